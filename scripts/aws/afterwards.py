"""After a deployment: old versions go, and an alarm's address that was never confirmed is named.

    afterwards.py REGION TOPIC FUNCTION…
"""

import sys

import boto3

KEPT = 3


def remove_old_versions(client, function):
    """Each push of new code publishes a version; nobody calls one by its number, and together they fill the storage."""
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions = [version["Version"] for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"]
    for version in sorted(versions, key=int)[:-KEPT]:
        client.delete_function(FunctionName=function, Qualifier=version)


def unconfirmed(client, topic):
    """Addresses that get no alarm before they have confirmed; None where nobody is subscribed at all."""
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    subscriptions = [one for page in pages for one in page["Subscriptions"]]
    if not subscriptions:
        return None
    return [one["Endpoint"] for one in subscriptions if one["SubscriptionArn"] == "PendingConfirmation"]


def main(region, topic, *functions):
    client = boto3.client("lambda", region_name=region)
    for function in functions:
        remove_old_versions(client, function)
    waiting = unconfirmed(boto3.client("sns", region_name=region), topic) if topic else None
    if waiting is None:
        print("deploy: nobody is told of alarms; fix: AlarmEmail=you@example.org", file=sys.stderr)
    for address in waiting or []:
        print(f"deploy: {address} gets no alarm until it follows the link in the mail 'AWS Notification - Subscription "
              "Confirmation'; alarms that are red by then are told with: scripts/deploy --tell-alarms", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
