@needs_nginx
Feature: Redis connections
  The application cannot reach Redis: it is down, the password is wrong, or the client limit is reached.

  @risk_readonly @alert_RedisUnreachable
  Scenario: Redis is down
    Given redis is down
    When I try to reach Redis:
      """bash
      redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" ping
      """
    Then it ends with exit code 1
    And the error says that nobody answers

  @risk_readonly
  Scenario: The password is wrong
    Given Redis has another password than the application knows
    When I try to reach Redis with the application's password:
      """bash
      redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" ping
      """
    Then it ends with exit code 1
    And the error says "WRONGPASS"

  @risk_readonly
  Scenario: The client limit is reached
    Given the client limit of Redis is reached
    When I try to reach Redis, which takes no new client:
      """bash
      redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" ping
      """
    Then it ends with exit code 1
    And the error says "max number of clients reached"

  @risk_mutating @alert_HealthCheckFailed
  Scenario: Start Redis without letting revoked tokens in
    Given a customer has signed out
    And redis is down
    And the alert RedisUnreachable rings
    And the alert HealthCheckFailed rings
    When I start Redis (within 1 minute):
      """bash
      docker compose start redis && redis-cli -e -h "${REDIS_HOST:?}" -p "${REDIS_PORT:?}" ping
      """
    Then every slot says that Redis is healthy
    And every revoked token is still refused
    And a customer can sign in
    And the alert RedisUnreachable falls silent again
    And the alert HealthCheckFailed falls silent again

  @risk_mutating
  Scenario: Undo a half-done rotation of the password of Redis
    Given a customer has signed out
    And Redis has another password than the application knows
    When I set the password back, without showing either:
      """bash
      (
        set -eu -o pipefail
        : "${REDISCLI_AUTH:?}" "${NEW_REDIS_PASSWORD:?}"
        printf %s "$REDISCLI_AUTH" | \
          REDISCLI_AUTH="$NEW_REDIS_PASSWORD" redis-cli -e -x -h "$REDIS_HOST" -p "$REDIS_PORT" config set requirepass
      )
      """
    Then Redis answers to the application's password
    And every slot says that Redis is healthy
    And every revoked token is still refused
    And a customer who signs out is signed out

  @risk_mutating
  Scenario: Raise the client limit, and disconnect the leaking client
    Given a customer has signed out
    And the client limit of Redis is reached
    When I restart one instance to free its connections, and use one to raise the limit (within 1 minute):
      """bash
      (
        set -eu
        docker restart "${INSTANCE:?}" &
        timeout 50 bash -c '
          ask() { redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" config "$@"; }
          until limit=$(ask get maxclients | sed -n 2p) && test -n "$limit" && ask set maxclients "$((limit * 2))"; do sleep 0.1; done'
        wait
      )
      """
    And I count the clients by address and name:
      """bash
      redis-cli -e -h "${REDIS_HOST:?}" -p "${REDIS_PORT:?}" client list \
        | sed -n 's/.* addr=\([^ ]*\):[0-9]* .* name=\([^ ]*\) .*/\2 \1/p' | sort | uniq -c | sort -rn
      """
    Then the output counts most clients of the one that leaks
    # good without (2): the name is what you set as LEAKER, and without one the block ends.
    When I disconnect the clients of that name:
      """bash
      (
        set -eu -o pipefail
        echo "${LEAKER:?a client without a name is told by its address alone: stop it on its host}" | grep -x '[A-Za-z0-9_-]*'
        redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" client list \
          | sed -n "s/^id=\([0-9]*\) .* name=$LEAKER .*/client kill id \1/p" \
          | redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" | sort | uniq -c
      )
      """
    Then every slot says that Redis is healthy
    And every revoked token is still refused
    And a customer can sign in
