@needs_nginx @needs_aws @alert_TargetUnhealthy
Feature: Load balancer
  The load balancer asks each instance for /api/health on port 3000. Take an unhealthy target out, repair it, put it back.

  @risk_readonly
  Scenario: The load balancer is active, and every target is healthy
    Given 2 instances serve customers
    When I read the state of the load balancer:
      """bash
      aws elbv2 describe-load-balancers --names "$ALB_NAME" --query 'LoadBalancers[0].State.Code' --output text
      """
    And I read the health of every target:
      """bash
      aws elbv2 describe-target-health --target-group-arn "$ALB_TARGET_GROUP_ARN" --output json \
        --query 'TargetHealthDescriptions[].{target: Target.Id, state: TargetHealth.State, why: TargetHealth.Reason}'
      """
    Then the load balancer finds 2 targets healthy

  @risk_readonly
  Scenario: The unhealthy target is found, with the reason
    Given 2 instances serve customers
    And instance 2 of the API is stopped
    When I list the targets that are not healthy:
      """bash
      aws elbv2 describe-target-health --target-group-arn "$ALB_TARGET_GROUP_ARN" --output json \
        --query 'TargetHealthDescriptions[?TargetHealth.State!=`healthy`].{target: Target.Id, why: TargetHealth.Reason}'
      """
    Then the answer names the stopped instance, and no other

  @risk_mutating
  Scenario: Take an unhealthy target out, repair it and put it back
    Given 2 instances serve customers
    And the targets of the load balancer are noted
    And instance 2 of the API is stopped
    And the alert TargetUnhealthy rings
    When I read how long connections drain:
      """bash
      aws elbv2 describe-target-group-attributes --target-group-arn "${ALB_TARGET_GROUP_ARN:?}" --output text \
        --query 'Attributes[?Key==`deregistration_delay.timeout_seconds`].Value'
      """
    # good without (1): how long connections drain is for the person who waits; the block waits itself.
    And I take the target out, and wait until its connections are drained (within 6 minutes):
      """bash
      (
        set -eu -o pipefail
        healthy=$(aws elbv2 describe-target-health --target-group-arn "$ALB_TARGET_GROUP_ARN" --output text \
          --query 'TargetHealthDescriptions[?TargetHealth.State==`healthy`].Target.Id' | wc -w)
        if [ "$healthy" -eq 0 ]; then echo "no target is healthy: take none out"; exit 1; fi
        aws elbv2 deregister-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets "Id=${SICK_TARGET:?},Port=3000"
        aws elbv2 wait target-deregistered --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets "Id=$SICK_TARGET,Port=3000"
      )
      """
    # good without (1): how long connections drain is for the person who waits.
    And I restart the instance, and wait until it serves (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        state=$(aws elbv2 describe-target-health --target-group-arn "$ALB_TARGET_GROUP_ARN" --output text \
          --query "TargetHealthDescriptions[?Target.Id=='${SICK_TARGET:?}'].TargetHealth.State")
        if [ -n "$state" ]; then echo "$SICK_TARGET is still in the load balancer ($state): take it out first"; exit 1; fi
        docker restart "${INSTANCE:?}"
        slot=$(echo "$API_SLOTS" | cut -d' ' -f"${INSTANCE##*-}")
        curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
      )
      """
    # good without (1): how long connections drain is for the person who waits.
    And I put the target back, and wait until it is healthy (within 5 minutes):
      """bash
      (
        set -eu
        slot=$(echo "$API_SLOTS" | cut -d' ' -f"${INSTANCE##*-}")
        curl --fail -sS -o /dev/null --max-time 5 "$slot/api/health"
        aws elbv2 register-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets "Id=${SICK_TARGET:?},Port=3000"
        aws elbv2 wait target-in-service --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets "Id=$SICK_TARGET,Port=3000"
      )
      """
    Then the load balancer finds 2 targets healthy
    And the load balancer has the same targets as before
    And the alert TargetUnhealthy falls silent again

  @risk_mutating @counter_example
  Scenario: A mistyped target group changes nothing
    Given 2 instances serve customers
    And the targets of the load balancer are noted
    When I try to register a target with a mistyped target group:
      """bash
      aws elbv2 register-targets --target-group-arn "${ALB_TARGET_GROUP_ARN:?}x" --targets Id=10.20.0.12,Port=3000
      """
    Then the message says "TargetGroupNotFound"
    And the load balancer has the same targets as before
