@needs_nginx @needs_aws
Feature: Scale by hand
  More instances of the API, counted where customers and the load balancer see them; then fewer, without losing a request.
  Each instance brings a pool of database connections: compute first whether they fit.

  @risk_readonly
  Scenario: Five instances fit the connections the database has
    Given the database has room for five pools
    When I compare instances × pool with what the database has:
      """bash
      wanted=${WANTED:?}
      pool=$(sed -n 's/^DB_POOL_SIZE=//p' "$API_ENV_FILE" | tail -n 1)
      answer=$(psql -X -q -A -t -v ON_ERROR_STOP=1 -v wanted="$wanted" -v pool="${pool:-5}" <<'SQL'
      SELECT json_build_object('max_connections', m, 'reserved', r, 'others', o, 'pool', :pool,
                               'needed', :wanted * :pool, 'limit', (m - r) * 80 / 100 - o,
                               'fits', :wanted * :pool <= (m - r) * 80 / 100 - o)
      FROM (SELECT current_setting('max_connections')::int AS m,
                   current_setting('superuser_reserved_connections')::int
                     + coalesce(current_setting('reserved_connections', true)::int, 0) AS r,
                   (SELECT count(*) FROM pg_stat_activity
                    WHERE datname IS NOT NULL AND usename <> user) AS o) AS settings;
      SQL
      )
      echo "$answer"
      grep -q '"fits" : true' <<<"$answer"
      """
    Then the computed pool is the pool that each instance really has
    And 25 connections are needed, and they fit

  @risk_readonly
  Scenario: Instances whose pools do not fit are not started
    Given every instance has a pool of 20 connections
    When I try to compare instances × pool with what the database has:
      """bash
      wanted=${WANTED:?}
      pool=$(sed -n 's/^DB_POOL_SIZE=//p' "$API_ENV_FILE" | tail -n 1)
      answer=$(psql -X -q -A -t -v ON_ERROR_STOP=1 -v wanted="$wanted" -v pool="${pool:-5}" <<'SQL'
      SELECT json_build_object('max_connections', m, 'reserved', r, 'others', o, 'pool', :pool,
                               'needed', :wanted * :pool, 'limit', (m - r) * 80 / 100 - o,
                               'fits', :wanted * :pool <= (m - r) * 80 / 100 - o)
      FROM (SELECT current_setting('max_connections')::int AS m,
                   current_setting('superuser_reserved_connections')::int
                     + coalesce(current_setting('reserved_connections', true)::int, 0) AS r,
                   (SELECT count(*) FROM pg_stat_activity
                    WHERE datname IS NOT NULL AND usename <> user) AS o) AS settings;
      SQL
      )
      echo "$answer"
      grep -q '"fits" : true' <<<"$answer"
      """
    Then it ends with exit code 1
    And the computed pool is the pool that each instance really has
    And 100 connections are needed, and they do not fit

  @risk_mutating
  Scenario: Make the pools smaller, while customers are served
    Given every instance has a pool of 20 connections
    And customers keep sending requests
    When I set the pool, and create the instances anew while others serve (within 4 minutes):
      """bash
      (
        set -eu -o pipefail
        count=$(docker compose ps -q api | wc -l)
        if [ "$count" -lt 2 ]; then echo "one instance alone serves: start one more first"; exit 1; fi
        grep -n '^DB_POOL_SIZE=' "$API_ENV_FILE" || { echo "the settings have no DB_POOL_SIZE: add it first"; exit 1; }
        if [ -e "$API_ENV_FILE.before" ]; then echo "former settings are kept already: look which ones are right"; exit 1; fi
        sed -i.before "s/^DB_POOL_SIZE=.*/DB_POOL_SIZE=${POOL_SIZE:?}/" "$API_ENV_FILE"
        docker compose up -d --no-deps --no-recreate --scale "api=$(((count + 1) / 2))" api
        docker compose up -d --no-deps --no-recreate --scale "api=$count" api
        for slot in $(echo "$API_SLOTS"); do
          curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
        docker compose up -d --no-deps --scale "api=$count" api
        for slot in $(echo "$API_SLOTS"); do
          curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
        for number in $(seq "$(docker compose ps -q api | wc -l)"); do
          docker compose exec -T --index "$number" api printenv DB_POOL_SIZE
        done
        rm "$API_ENV_FILE.before"
      )
      """
    Then every instance has a pool of 3 connections now
    And no customer got an error meanwhile

  @risk_mutating
  Scenario: Add instances, and register them with the load balancer
    Given 2 instances serve customers
    When I count the instances that there are:
      """bash
      (
        set -eu -o pipefail
        count=$(docker compose ps -q api | wc -l)
        test "$count" -gt 0
        printf '{"instances": %d}\n' "$count"
      )
      """
    And I take instances from the answer as INSTANCES
    And I get ready to go back to that number (within 10 minutes):
      """bash
      (
        set -eu
        targets=$(for target in $(echo "${NEW_TARGETS:?}"); do printf 'Id=%s,Port=3000\n' "$target"; done)
        aws elbv2 deregister-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets $(echo "$targets")
        aws elbv2 wait target-deregistered --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets $(echo "$targets")
        docker compose up -d --no-deps --no-recreate --scale "api=${INSTANCES:?}" api
      )
      """
    And I start as many more as there are new targets (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        more=$(echo "${NEW_TARGETS:?}" | wc -w)
        docker compose up -d --no-deps --no-recreate --scale "api=$((${INSTANCES:?} + more))" api
        docker compose ps api
      )
      """
    And I register them with the load balancer, and wait until it finds them healthy (within 5 minutes):
      """bash
      (
        set -eu -o pipefail
        test "$(docker compose ps -q api | wc -l)" -ge "$((${INSTANCES:?} + $(echo "${NEW_TARGETS:?}" | wc -w)))"
        targets=$(for target in $(echo "$NEW_TARGETS"); do printf 'Id=%s,Port=3000\n' "$target"; done)
        aws elbv2 register-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets $(echo "$targets")
        aws elbv2 wait target-in-service --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets $(echo "$targets")
      )
      """
    And I run every health check (within 1 minute):
      """bash
      beautycort health-checks health --format json
      """
    Then customers are answered by 5 instances
    And the load balancer finds 5 targets healthy
    And every health check is healthy
    And the database uses less than 80 % of its connections

  @risk_mutating
  Scenario: The load balancer names a registered instance that does not serve
    Given three instances are registered that nobody started
    When I ask the load balancer for the targets that are not healthy:
      """bash
      aws elbv2 describe-target-health --target-group-arn "${ALB_TARGET_GROUP_ARN:?}" --output json \
        --query 'TargetHealthDescriptions[?TargetHealth.State!=`healthy`].{target: Target.Id, state: TargetHealth.State}'
      """
    Then the answer names exactly those three
    # good without (1): the block looks itself that none of them serves.
    When I deregister them again (within 5 minutes):
      """bash
      (
        set -eu -o pipefail
        serve=" $(aws elbv2 describe-target-health --target-group-arn "$ALB_TARGET_GROUP_ARN" --output text \
          --query 'TargetHealthDescriptions[?TargetHealth.State==`healthy`].Target.Id' | tr '\t\n' '  ') "
        for target in $(echo "${NEW_TARGETS:?}"); do
          case "$serve" in *" $target "*) echo "$target serves customers: leave it"; exit 1;; esac
        done
        targets=$(for target in $(echo "${NEW_TARGETS:?}"); do printf 'Id=%s,Port=3000\n' "$target"; done)
        aws elbv2 deregister-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets $(echo "$targets")
      )
      """
    Then the load balancer finds 2 targets healthy
    And customers are answered by 2 instances

  @risk_mutating
  Scenario: Take instances away without losing a request
    Given 5 instances serve customers
    And customers keep sending requests
    When I count the instances that serve now:
      """bash
      (
        set -eu -o pipefail
        count=$(docker compose ps -q api | wc -l)
        test "$count" -gt 0
        printf '{"instances": %d}\n' "$count"
      )
      """
    And I take instances from the answer as INSTANCES
    And I take three instances out of the load balancer, and wait until they are drained (within 10 minutes):
      """bash
      (
        set -eu
        if [ "$((${INSTANCES:?} - $(echo "${NEW_TARGETS:?}" | wc -w)))" -lt 1 ]; then echo "nobody would serve"; exit 1; fi
        targets=$(for target in $(echo "${NEW_TARGETS:?}"); do printf 'Id=%s,Port=3000\n' "$target"; done)
        aws elbv2 deregister-targets --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets $(echo "$targets")
        aws elbv2 wait target-deregistered --target-group-arn "$ALB_TARGET_GROUP_ARN" --targets $(echo "$targets")
      )
      """
    And I stop them; each ends the requests that it has (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        still=" $(aws elbv2 describe-target-health --target-group-arn "${ALB_TARGET_GROUP_ARN:?}" --output text \
          --query 'TargetHealthDescriptions[].Target.Id' | tr '\t\n' '  ') "
        for target in $(echo "${NEW_TARGETS:?}"); do
          case "$still" in *" $target "*) echo "$target is still in the load balancer: take it out first"; exit 1;; esac
        done
        taken=$(echo "$NEW_TARGETS" | wc -w)
        echo "${INSTANCES:?} instances ran, $taken are taken away"
        if [ "$((INSTANCES - taken))" -lt 1 ]; then echo "nobody would serve"; exit 1; fi
        docker compose up -d --no-deps --no-recreate --scale "api=$((INSTANCES - taken))" api
        docker compose ps api
      )
      """
    Then customers are answered by 2 instances
    And the load balancer finds 2 targets healthy
    And no customer got an error meanwhile
