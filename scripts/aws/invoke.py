"""Calls a deployed function and prints its answer.

    invoke.py REGION STACK NAME EVENT [--no-wait]

Never twice: a time-out of the client's would start a second run of up to fifteen minutes.
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


def deployed_name(region, stack, name):
    """The stack's own name of the function; as it stands where there is no such stack."""
    try:
        found = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError:
        return name
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}
    return parameters.get("NamePrefix", "") + name


def main(region, stack, name, event, *options):
    patience = Config(connect_timeout=10, read_timeout=920, retries={"total_max_attempts": 1}, tcp_keepalive=True)
    client = boto3.client("lambda", region_name=region, config=patience)
    function = deployed_name(region, stack, name)
    kind = "Event" if "--no-wait" in options else "RequestResponse"
    answer = client.invoke(FunctionName=function, InvocationType=kind, Payload=event.encode())
    if kind == "Event":
        print(f"{function} runs; its log ends with the summary: /aws/lambda/{function}")
        return
    print(answer["Payload"].read().decode())
    if "FunctionError" in answer:
        sys.exit(1)


try:
    main(*sys.argv[1:])
except ClientError as problem:
    code = problem.response["Error"]["Code"]
    paused = code == "TooManyRequestsException" and "; it is paused, or all its concurrency is in use"
    sys.exit(f"invoke: AWS answers {code}{paused or ''}")
except BotoCoreError as problem:
    sys.exit(f"invoke: AWS did not answer ({type(problem).__name__}); it may still run: look at its log before you call it again")
