"""moto as a small company's account: a load balancer of another name, a bucket, alarms without a unit."""

from __future__ import annotations

from typing import Any

import boto3

__all__ = ["forget_the_alarms", "populate", "variables", "watch"]

REGION = "eu-central-1"
BUCKET = "salon-staging-backups"
KEYS = {"region_name": REGION, "aws_access_key_id": "AKIASTAGING", "aws_secret_access_key": "staging-secret-word"}
ALARMS = ("salon-5xx", "salon-latency", "salon-db-connections")


def variables(port: int, balancer: str, group: str) -> dict[str, str]:
    """What is told of it."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
        "AWS_BACKUP_BUCKET": BUCKET,
        "ALB_NAME": balancer,
        "ALB_TARGET_GROUP_ARN": group,
    }


def populate(url: str, balancer: str, slots: int) -> str:
    """Makes it all; gives the target group's ARN."""

    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=url, **KEYS)  # type: ignore[call-overload]

    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    vpc = client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        client("ec2").create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")[
            "Subnet"
        ]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    elb = client("elbv2")
    made = elb.create_load_balancer(Name=balancer, Subnets=subnets)["LoadBalancers"][0]
    group = elb.create_target_group(
        Name="salon-api", Protocol="HTTP", Port=3000, VpcId=vpc, TargetType="ip", HealthCheckPath="/api/health"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )  # fmt: skip
    elb.register_targets(
        TargetGroupArn=group, Targets=[{"Id": f"10.9.0.{number + 10}", "Port": 3000} for number in range(slots)]
    )
    watch(url)
    return str(group)


def watch(url: str) -> None:
    """Its alarms, as made in the console: without a unit."""
    cloudwatch: Any = boto3.client("cloudwatch", endpoint_url=url, **KEYS)  # type: ignore[call-overload]
    for name in ALARMS:
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="Salon", MetricName=name, Threshold=5.0, EvaluationPeriods=3, Period=60,
            ComparisonOperator="GreaterThanThreshold", Statistic="Average",
            AlarmActions=["arn:aws:sns:eu-central-1:123456789012:salon-on-call"],
        )  # fmt: skip
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="calm")


def forget_the_alarms(url: str) -> None:
    """Somebody removed them all."""
    cloudwatch: Any = boto3.client("cloudwatch", endpoint_url=url, **KEYS)  # type: ignore[call-overload]
    cloudwatch.delete_alarms(AlarmNames=list(ALARMS))
