"""What would make a deployment fail, told before anything is built or changed: one line each, with the fix.

    preflight.py TEMPLATE REGION STACK [PARAMETER=VALUE…]

Standard output gets one line: the address that alarms will go to, empty for nobody. Nothing secret is ever printed: of a
secret only its parameter's name, and of a foreign error only its kind.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

import git_server
import store
from template import Template

FUNCTIONS = ("discover", "aggregator", "player-rank", "reviver", "db-generator")
# AWS keeps this many of an account's concurrent executions unreserved; of an account that has fewer, all.
KEPT_UNRESERVED = 100
QUOTA = "https://console.aws.amazon.com/servicequotas/home/services/lambda/quotas/L-B99A9384"


class Account:
    """The account, asked with little patience."""

    def __init__(self, region, stack):
        self.region, self.stack_name = region, stack
        self._config = Config(region_name=region, connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 3})
        self.stack = None

    def client(self, service):
        return boto3.client(service, config=self._config)

    def parameters(self):
        """Those that the stack has now."""
        return {one["ParameterKey"]: one["ParameterValue"] for one in (self.stack or {}).get("Parameters", [])}


def code_of(error):
    return error.response.get("Error", {}).get("Code", "")


def region_problems(region):
    session = boto3.session.Session()
    known = {name for partition in session.get_available_partitions()
             for name in session.get_available_regions("lambda", partition)}
    if known and region not in known:
        yield f"{region} is no region of AWS; fix: export AWS_REGION=eu-west-1 (or another)"


def credential_problems(account):
    try:
        account.client("sts").get_caller_identity()
    except NoCredentialsError:
        yield "there are no AWS credentials; fix: aws configure, aws sso login, or export AWS_PROFILE=…"
    except ClientError as error:
        yield f"AWS does not accept the credentials ({code_of(error)}); fix: aws sso login, or another AWS_PROFILE"
    except BotoCoreError as error:
        yield f"AWS is not reached ({type(error).__name__}); fix: check the network, AWS_PROFILE and AWS_ENDPOINT_URL"


def stack_problems(account):
    """Reads the stack, if it is there; a state that refuses deployments is a problem."""
    name = account.stack_name
    try:
        account.stack = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError":
            return
        raise
    status = account.stack["StackStatus"]
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        yield f"the stack {name} is being changed ({status}); fix: wait, then deploy again"
    elif status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        yield f"the stack {name} is left over from a deployment that failed ({status}); fix: scripts/destroy, then deploy again"
    elif status == "UPDATE_ROLLBACK_FAILED":
        yield f"the stack {name} is half changed ({status}); fix: aws cloudformation continue-update-rollback --stack-name {name}"


def concurrency_problems(account, template):
    limit = account.client("lambda").get_account_settings()["AccountLimit"]
    most, unreserved = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    ours = int(template.value("ConcurrencyLimit"))
    if template.value("ReserveConcurrency") == "false":
        # The other four each run once at a time.
        if ours + 4 > most:
            yield (f"ConcurrencyLimit={ours} leaves no room for the other functions in this account's {most} concurrent "
                   f"executions; fix: ConcurrencyLimit={max(2, most - 5)}, or ask for more at {QUOTA}")
        return
    needed = ours + 1
    free = unreserved + reserved_by_stack(account, template) - KEPT_UNRESERVED
    if free < needed:
        yield (f"this account can reserve {max(0, free)} of its {most} concurrent executions, the stack needs {needed}; "
               f"fix: ReserveConcurrency=false, or ask for {most + needed - free} at {QUOTA} (hours to days)")


def reserved_by_stack(account, template):
    """What a stack that is there has reserved already."""
    if account.stack is None:
        return 0
    prefix, reserved = template.value("NamePrefix"), 0
    for name in ("aggregator", "player-rank"):
        try:
            answer = account.client("lambda").get_function_concurrency(FunctionName=prefix + name)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            continue
        reserved += answer.get("ReservedConcurrentExecutions", 0)
    return reserved


def name_problems(account, template):
    """A first deployment would fail on names that something else in the account has."""
    if account.stack is not None and account.stack["StackStatus"] != "REVIEW_IN_PROGRESS":
        return
    prefix = template.value("NamePrefix")
    client = account.client("lambda")
    for name in FUNCTIONS:
        try:
            client.get_function_configuration(FunctionName=prefix + name)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            continue
        yield f"the account has another function named {prefix + name}; fix: NamePrefix=something-"
        return


def secret(account, template, parameter):
    """A secret's text and a problem, one of them None."""
    name = template.value(parameter)
    put = f"fix: docs/deploy.md, Secrets, or {parameter}=NAME"
    try:
        found = account.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except ClientError as error:
        code = code_of(error)
        if code == "ParameterNotFound":
            return None, f"SSM has no parameter {name} in {account.region}; {put}"
        if code in ("AccessDeniedException", "AccessDenied"):
            return None, f"SSM does not let you read {name}; fix: allow ssm:GetParameter on it, and kms:Decrypt on its key"
        return None, f"SSM does not tell {name} ({code}); {put}"
    if found["Type"] != "SecureString":
        return None, f"SSM's {name} is a {found['Type']}, readable to many; fix: make it anew as SecureString"
    value = found["Value"].strip()
    if not value:
        return None, f"SSM's {name} is empty; {put}"
    if "\n" in value and parameter != "WclApiKeysParameter":
        return None, f"SSM's {name} has a line break inside; fix: put it again as one line"
    return value, None


def key_problems(value, name):
    """The form of the keys; nothing of their content."""
    form = 'fix: put [{"name":"main","clientId":"…","clientSecret":"…"}]'
    try:
        keys = json.loads(value)
    except ValueError:
        return [f"SSM's {name} is not JSON; {form}"]
    is_key = lambda key: isinstance(key, dict) and all(
        isinstance(key.get(field), str) and key[field].strip() for field in ("name", "clientId", "clientSecret"))
    if not isinstance(keys, list) or not keys or not all(map(is_key, keys)):
        return [f"SSM's {name} is no list of keys, each with name, clientId and clientSecret; {form}"]
    return []


def secret_problems(account, template):
    """Reads each secret, and tries what it opens."""
    uri, problem = secret(account, template, "MongoUriParameter")
    yield from [problem] if problem else store.problems(uri, template.value("MongoDatabase"))
    keys, problem = secret(account, template, "WclApiKeysParameter")
    yield from [problem] if problem else key_problems(keys, template.value("WclApiKeysParameter"))
    token = None
    if template.value("GitTokenParameter"):
        token, problem = secret(account, template, "GitTokenParameter")
        if problem:
            yield problem
            return
    url = template.value("GitRepositoryUrl")
    if url:
        yield from git_server.problems(url, token)


def allowed(what, problems):
    """The problems, or the one that the credentials may not even ask."""
    try:
        return list(problems)
    except ClientError as error:
        return [f"{what} cannot be checked: {error.operation_name} answers {code_of(error)}; "
                "fix: deploy as somebody with the rights that docs/deploy.md names"]
    except BotoCoreError as error:
        return [f"{what} cannot be checked ({type(error).__name__}); fix: check the network, then again"]


def all_problems(path, region, stack, given):
    """Problems, and the template with the values that it would be deployed with."""
    template = Template(path, given)
    # What needs no account.
    problems = [line for line in template.problems() if "is not given" not in line]
    problems += region_problems(region)
    if problems:
        return problems, template
    account = Account(region, stack)
    problems = list(credential_problems(account)) or allowed("the stack", stack_problems(account))
    if problems:
        return problems, template
    template = Template(path, {**{name: value for name, value in account.parameters().items()
                                  if name in template.document["Parameters"]}, **given})
    problems += template.problems()
    problems += allowed("Lambda's concurrency", concurrency_problems(account, template))
    problems += allowed("names", name_problems(account, template))
    problems += allowed("secrets", secret_problems(account, template))
    return problems, template


def main(path, region, stack, *given):
    problems, template = all_problems(path, region, stack, dict(argument.split("=", 1) for argument in given))
    if problems:
        sys.exit("\n".join(f"deploy: {problem}" for problem in problems))
    print(template.value("AlarmEmail") or "")


if __name__ == "__main__":
    main(*sys.argv[1:])
