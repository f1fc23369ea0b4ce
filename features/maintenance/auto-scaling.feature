@needs_nginx @needs_kubernetes
Feature: Auto-scaling
  Kubernetes keeps as many instances as the CPU needs, between two and ten. It undoes scaling by hand.

  Background:
    Given 2 instances run on Kubernetes, without an autoscaler

  @risk_mutating @requires_kubectl
  Scenario: Apply the autoscaler, and keep at least two instances
    Given only 1 instance runs on Kubernetes
    When I write the manifest, and have the server check it:
      """bash
      (
        set -eu
        if kubectl get hpa beautycort-api-hpa; then echo "there is one: change its minimum or its maximum instead"; exit 1; fi
        kubectl get deployment api
        cat > hpa.yaml <<'YAML'
      apiVersion: autoscaling/v2
      kind: HorizontalPodAutoscaler
      metadata:
        name: beautycort-api-hpa
      spec:
        scaleTargetRef:
          apiVersion: apps/v1
          kind: Deployment
          name: api
        minReplicas: 2
        maxReplicas: 10
        metrics:
        - type: Resource
          resource:
            name: cpu
            target:
              type: Utilization
              averageUtilization: 70
      YAML
        kubectl apply --dry-run=server -f hpa.yaml
      )
      """
    And I apply it, and wait until it can scale (within 3 minutes):
      """bash
      (
        set -eu
        if kubectl get hpa beautycort-api-hpa; then echo "there is one: change its minimum or its maximum instead"; exit 1; fi
        kubectl apply -f hpa.yaml
        kubectl wait --for=condition=AbleToScale hpa/beautycort-api-hpa --timeout=60s
        least=$(kubectl get hpa beautycort-api-hpa -o jsonpath='{.spec.minReplicas}')
        timeout 120 bash -c 'until test "0$(kubectl get deployment api -o jsonpath="{.status.readyReplicas}")" -ge "$0"; do sleep 1; done' "$least"
      )
      """
    Then the autoscaler keeps 2 to 10 instances of api at 70 % CPU
    And Kubernetes has 2 instances ready
    And customers are answered by 2 instances

  @risk_mutating @requires_kubectl
  Scenario: Raise the maximum, so that CPU above 70 % adds instances
    Given the autoscaler is there, with a minimum and a maximum of 2
    And the instances use 300 % CPU together
    When I read what the autoscaler sees, and what limits it:
      """bash
      kubectl get hpa beautycort-api-hpa && kubectl describe hpa beautycort-api-hpa
      """
    Then the autoscaler is limited by its maximum
    # good without (1): the block reads the maximum itself, and only ever raises it.
    When I raise the maximum, and wait for the new instances (within 3 minutes):
      """bash
      (
        set -eu
        now=$(kubectl get hpa beautycort-api-hpa -o jsonpath='{.spec.maxReplicas}')
        echo "at most $now instances; wanted: ${MAXIMUM:?}"
        test "$MAXIMUM" -gt "$now"
        kubectl patch hpa beautycort-api-hpa --patch "{\"spec\": {\"maxReplicas\": $MAXIMUM}}"
        kubectl wait --for=condition=AbleToScale hpa/beautycort-api-hpa --timeout=60s
        kubectl wait --for=condition=ScalingLimited=false hpa/beautycort-api-hpa --timeout=60s
        kubectl rollout status deployment api --timeout=120s
      )
      """
    Then Kubernetes has 5 instances ready
    And customers are answered by 5 instances
    And the CPU of each is at 60 %

  @risk_mutating @requires_kubectl
  Scenario: Raise the minimum to have more instances now
    Given the autoscaler is there, with a minimum of 2 and a maximum of 10
    And the instances use 40 % CPU together
    When I read the minimum that there is:
      """bash
      kubectl get hpa beautycort-api-hpa -o json
      """
    And I take spec.minReplicas from the answer as MINIMUM
    And I get ready to put it back (within 1 minute):
      """bash
      kubectl patch hpa beautycort-api-hpa --patch "{\"spec\": {\"minReplicas\": ${MINIMUM:?}}}"
      """
    And I raise it by two, and wait for the new instances (within 4 minutes):
      """bash
      (
        set -eu
        kubectl patch hpa beautycort-api-hpa --patch "{\"spec\": {\"minReplicas\": $((${MINIMUM:?} + 2))}}"
        kubectl wait --for=condition=AbleToScale hpa/beautycort-api-hpa --timeout=60s
        least=$((MINIMUM + 2))
        timeout 120 bash -c 'until test "0$(kubectl get deployment api -o jsonpath="{.status.readyReplicas}")" -ge "$0"; do sleep 1; done' "$least"
      )
      """
    Then Kubernetes has 4 instances ready
    And they stay 4 after the autoscaler has checked again

  @risk_mutating @requires_kubectl @counter_example
  Scenario: The autoscaler undoes what is scaled by hand
    Given the autoscaler is there, with a minimum of 2 and a maximum of 10
    And the instances use 40 % CPU together
    When I scale by hand, and see it undone (within 3 minutes):
      """bash
      kubectl scale deployment api --replicas=5 && kubectl wait --for=jsonpath='{.spec.replicas}'=2 deployment/api --timeout=120s
      """
    Then Kubernetes has 2 instances ready

  @risk_readonly @requires_kubectl
  Scenario: The conditions of the autoscaler say why it does not scale
    Given the autoscaler names the deployment beautycort-api
    When I make sure that this is the right cluster, and read autoscaler and deployments:
      """bash
      kubectl config current-context
      kubectl get hpa,deployments
      """
    And I read the conditions of the autoscaler:
      """bash
      kubectl get hpa beautycort-api-hpa -o json | python3 -c '
      import json, sys
      for condition in json.load(sys.stdin)["status"]["conditions"]:
          print(condition["type"], condition["status"], condition["reason"], "-", condition["message"])
      '
      """
    Then the conditions that are printed are those of the autoscaler
    And it cannot scale: FailedGetScale

  @risk_mutating @requires_kubectl
  Scenario: Correct an autoscaler that names the wrong deployment
    Given the autoscaler names the deployment beautycort-api
    And only 1 instance runs on Kubernetes
    When I read the conditions of the autoscaler:
      """bash
      kubectl get deployments && kubectl get hpa beautycort-api-hpa -o json | python3 -c '
      import json, sys
      for condition in json.load(sys.stdin)["status"]["conditions"]:
          print(condition["type"], condition["status"], condition["reason"], "-", condition["message"])
      '
      """
    Then it cannot scale: FailedGetScale
    And Kubernetes has 1 instance ready
    # good without (1): the block looks itself that the deployment is there.
    When I name the deployment that is there (within 3 minutes):
      """bash
      (
        set -eu
        kubectl get deployment api
        kubectl patch hpa beautycort-api-hpa --patch '{"spec": {"scaleTargetRef": {"name": "api"}}}'
        kubectl wait --for=condition=AbleToScale hpa/beautycort-api-hpa --timeout=60s
        least=$(kubectl get hpa beautycort-api-hpa -o jsonpath='{.spec.minReplicas}')
        timeout 120 bash -c 'until test "0$(kubectl get deployment api -o jsonpath="{.status.readyReplicas}")" -ge "$0"; do sleep 1; done' "$least"
      )
      """
    Then the autoscaler keeps 2 to 10 instances of api at 70 % CPU
    And Kubernetes has 2 instances ready

  @risk_mutating @requires_kubectl @counter_example
  Scenario Outline: A wrong manifest is refused, and nothing is changed
    When I try to apply it:
      """bash
      kubectl apply -f - <<'YAML'
      apiVersion: autoscaling/v2
      kind: HorizontalPodAutoscaler
      metadata: {name: beautycort-api-hpa}
      spec:
        scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
        <least>
        maxReplicas: 10
      YAML
      """
    Then it is refused with exit code 1, saying:
      """
      <refusal>
      """
    And no autoscaler is there
    And Kubernetes has 2 instances ready

    Examples:
      | least           | refusal                                           |
      | minReplicas: 12 | must be greater than or equal to `minReplicas`    |
      | minReplica: 2   | strict decoding error: unknown field "spec.minReplica" |

  @risk_destructive @requires_kubectl
  Scenario: Remove the autoscaler, and scale by hand
    Given the autoscaler is there, with a minimum of 2 and a maximum of 10
    When I keep the autoscaler's manifest, remove it, and scale by hand (within 3 minutes):
      """bash
      (
        set -eu
        now=$(kubectl get deployment api -o jsonpath='{.spec.replicas}')
        echo "$now instances; wanted: ${INSTANCES:?}"
        test "$INSTANCES" -ge "$now"
        kubectl get hpa beautycort-api-hpa -o yaml > hpa.before.yaml
        kubectl delete hpa beautycort-api-hpa
        kubectl scale deployment api --replicas="$INSTANCES"
        kubectl rollout status deployment api --timeout=120s
      )
      """
    Then no autoscaler is there
    And they stay 3 after the autoscaler has checked again
    And customers are answered by 3 instances
