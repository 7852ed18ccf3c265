"""Makes CloudWatch judge the stack's red alarms anew, so that those which stay red are told once more.

An alarm tells when its state changes. One that turned red before anybody had confirmed the subscription told nobody.

    tell_alarms.py REGION TOPIC
"""

import sys

import boto3


def main(region, topic):
    client = boto3.client("cloudwatch", region_name=region)
    pages = client.get_paginator("describe_alarms").paginate(StateValue="ALARM", AlarmTypes=["MetricAlarm"])
    red = [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"] if topic in alarm["AlarmActions"]]
    for name in red:
        client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="to be told once more")
    print(f"deploy: {len(red)} red alarms are judged anew, within minutes: {' '.join(red) or 'none'}", file=sys.stderr)


main(*sys.argv[1:])
