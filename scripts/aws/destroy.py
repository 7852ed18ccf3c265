"""Removes a stack and what it leaves behind, after showing all of it. See `scripts/destroy --help`.

    destroy.py REGION STACK [--show] [--yes] [--secrets]
"""

import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ABSENT = {"ResourceNotFoundException", "ValidationError", "NoSuchBucket", "ParameterNotFound",
          "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "404", "NoSuchKey"}
# sam keeps the packed code of every stack in one bucket; this stack's lies below its name.
SAM_STACK = "aws-sam-cli-managed-default"
SECRETS = ("MongoUriParameter", "WclApiKeysParameter", "GitTokenParameter")
QUEUES = ("wcl-discovered-players", "wcl-discovered-players-dead-letters")


def or_none(call, **arguments):
    """The answer, or None for what is not there."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise


class Remains:
    """Everything of the stack that is there."""

    def __init__(self, region, name):
        self.region, self.name = region, name
        self.stack = self._describe(name)
        parameters = {one["ParameterKey"]: one["ParameterValue"] for one in (self.stack or {}).get("Parameters", [])}
        # Without the stack nobody tells its prefix: names without one may be another stack's.
        self.prefix = parameters.get("NamePrefix", "") if self.stack else None
        self.schedule = None if self.prefix is None else f"{self.prefix}parsebook-wake-reviver"
        self.secrets = [parameters.get(key) for key in SECRETS if parameters.get(key)]

    def client(self, service):
        return boto3.client(service, region_name=self.region)

    def _describe(self, name):
        answer = or_none(self.client("cloudformation").describe_stacks, StackName=name)
        return answer["Stacks"][0] if answer else None

    def resources(self):
        if self.stack is None:
            return []
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [(one["ResourceType"], one.get("PhysicalResourceId", "?")) for page in pages
                for one in page["StackResourceSummaries"]]

    def has_schedule(self):
        if self.schedule is None:
            return False
        return or_none(self.client("scheduler").get_schedule, Name=self.schedule) is not None

    def log_groups(self):
        """Those of the functions: of the stack itself, but an invocation that ends late makes its group anew."""
        if self.prefix is None:
            return []
        names = {f"/aws/lambda/{self.prefix}{name}" for name in
                 ("discover", "aggregator", "player-rank", "reviver", "db-generator")}
        pages = self.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/")
        return sorted(names & {one["logGroupName"] for page in pages for one in page["logGroups"]})

    def messages(self):
        """Messages that wait, by queue; they go with the queues."""
        client, found = self.client("sqs"), {}
        for name in QUEUES if self.prefix is not None else ():
            queue = or_none(client.get_queue_url, QueueName=self.prefix + name)
            if queue:
                wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
                told = client.get_queue_attributes(QueueUrl=queue["QueueUrl"], AttributeNames=wanted)["Attributes"]
                found[self.prefix + name] = sum(int(value) for value in told.values())
        return found

    def bucket(self):
        stack = self._describe(SAM_STACK)
        outputs = {one["OutputKey"]: one["OutputValue"] for one in (stack or {}).get("Outputs", [])}
        return outputs.get("SourceBucket")

    def code(self):
        """Versions of packed code, as (key, version)."""
        bucket = self.bucket()
        if not bucket:
            return []
        pages = self.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{self.name}/")
        return [(one["Key"], one["VersionId"]) for page in pages
                for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, [])]

    def known_secrets(self):
        client = self.client("ssm")
        return [name for name in self.secrets if or_none(client.get_parameter, Name=name) is not None]


def show(remains, with_secrets):
    """Prints everything; answers whether there is anything to remove."""
    resources, code = remains.resources(), remains.code()
    schedule, secrets = remains.has_schedule(), remains.known_secrets()
    for kind, name in resources:
        print(f"  {kind:36} {name}")
    for queue, count in remains.messages().items():
        if count:
            print(f"  {'messages, lost with their queue':36} {count} in {queue}")
    if schedule:
        print(f"  {'one-time schedule':36} {remains.schedule}")
    groups = remains.log_groups()
    for group in groups:
        print(f"  {'log group':36} {group}")
    if code:
        print(f"  {'versions of packed code':36} {len(code)} in s3://{remains.bucket()}/{remains.name}/")
    for name in secrets if with_secrets else []:
        print(f"  {'secret':36} {name}")
    stays = [] if with_secrets else [f"the secret {name} (--secrets removes it)" for name in secrets]
    stays += ["MongoDB's data", "the addon repository"]
    if remains.bucket():
        stays.append(f"the bucket {remains.bucket()}, which all sam stacks of the account share")
    print("What stays: " + "; ".join(stays))
    return bool(resources or schedule or groups or code or (with_secrets and secrets))


def remove(remains, with_secrets):
    """The stack first: until it is gone, player-rank may make the schedule anew."""
    secrets = remains.known_secrets() if with_secrets else []
    if remains.stack is not None:
        print(f"destroy: the stack {remains.name} (minutes)")
        formation = remains.client("cloudformation")
        formation.delete_stack(StackName=remains.name)
        formation.get_waiter("stack_delete_complete").wait(StackName=remains.name)
    if remains.schedule:
        print(f"destroy: the schedule {remains.schedule}")
        or_none(remains.client("scheduler").delete_schedule, Name=remains.schedule)
    for group in remains.log_groups():
        print(f"destroy: the log group {group}")
        or_none(remains.client("logs").delete_log_group, logGroupName=group)
    code, storage = remains.code(), remains.client("s3")
    print(f"destroy: {len(code)} versions of packed code")
    for key, version in code:
        storage.delete_object(Bucket=remains.bucket(), Key=key, VersionId=version)
    for name in secrets:
        print(f"destroy: the secret {name}")
        or_none(remains.client("ssm").delete_parameter, Name=name)


def main(region, name, *options):
    remains = Remains(region, name)
    with_secrets = "--secrets" in options
    print(f"The stack {name} in {region}:")
    if not show(remains, with_secrets):
        print("destroy: there is nothing to remove")
        return
    if "--show" in options:
        return
    if "--yes" not in options:
        if not sys.stdin.isatty():
            sys.exit("destroy: nothing was removed: nobody is there to ask; fix: --yes")
        if input(f"Type {name} to remove all of it: ").strip() != name:
            sys.exit("destroy: nothing was removed")
    remove(remains, with_secrets)
    print("destroy: done")


try:
    main(*sys.argv[1:])
except ClientError as problem:
    sys.exit(f"destroy: {problem.operation_name} answers {problem.response['Error']['Code']}: what is left is shown by --show")
except BotoCoreError as problem:
    sys.exit(f"destroy: AWS is not reached or did not finish ({type(problem).__name__}); what is left is shown by --show")
