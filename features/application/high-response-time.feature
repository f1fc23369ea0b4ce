@needs_nginx
Feature: High response time
  The mean response time is above 2000 ms. Which endpoint is slow, which third party, and does the cache work?

  @risk_readonly @alert_ResponseTimeHigh
  Scenario: The slow endpoint and the third party behind it are found
    Given a customer has booked and wants to pay by card
    And the payment service is slow
    And customers wait for their payments
    When I try to list the endpoints, the slowest first:
      """bash
      beautycort traffic --slowest --since "${ALERT_BEGAN:-15m}" --format json
      """
    Then it ends with exit code 1
    And the slowest endpoint it reports is "POST /api/payments"
    And the mean response time it reports is above 2000 ms
    When I measure the third party itself, without the application:
      """bash
      curl -sS -o /dev/null -w '%{time_total}\n' --max-time 10 "$TAP_API_URL/v2/charges"
      """
    Then the time it measured is above 2000 ms
    When I try to measure it again, and wait no longer than a customer would:
      """bash
      curl -sS -o /dev/null -w '%{time_total}\n' --max-time 1 "$TAP_API_URL/v2/charges"
      """
    Then it ends with exit code 28

  @risk_mutating @alert_ResponseTimeHigh
  Scenario: Let customers wait less for a slow third party
    Given a customer has booked and wants to pay by card
    And customers go on paying
    And the payment service is slow
    And the application waits 30 seconds for a third party
    And the alert ResponseTimeHigh rings
    When I let the application wait one second only, and create the instances anew while others serve (within 4 minutes):
      """bash
      (
        set -eu -o pipefail
        count=$(docker compose ps -q api | wc -l)
        if [ "$count" -lt 2 ]; then echo "one instance alone serves: start one more first"; exit 1; fi
        grep -n '^THIRD_PARTY_TIMEOUT_S=' "$API_ENV_FILE"
        sed -i 's/^THIRD_PARTY_TIMEOUT_S=.*/THIRD_PARTY_TIMEOUT_S=1/' "$API_ENV_FILE"
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
          docker compose exec -T --index "$number" api printenv THIRD_PARTY_TIMEOUT_S
        done
      )
      """
    Then a payment is answered within 2000 ms, with a clear refusal
    And the alert ResponseTimeHigh falls silent again

  @risk_readonly
  Scenario: A cache that stores nothing is found
    Given the response cache stores nothing, because the memory limit of Redis is too low
    When I send the same search ten times, and read where the answer came from (within 2 minutes):
      """bash
      for number in 1 2 3 4 5 6 7 8 9 10; do
        curl --fail -sS -o /dev/null -D - --max-time 10 --retry 20 --retry-delay 1 "$API_BASE_URL/api/providers?limit=100&lat=31.77" \
          | tr -d '\r' | grep -i '^x-cache:'
      done
      """
    Then no search is answered from the cache

  @risk_mutating @alert_CacheHitRatioLow
  Scenario: Make the cache store again
    Given the response cache stores nothing, because the memory limit of Redis is too low
    And customers keep sending requests
    And the alert CacheHitRatioLow rings
    When I raise the limit to twice what is used, if more than 90 % of it is used (if the host has the memory):
      """bash
      (
        set -eu -o pipefail
        value() { redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" info memory | tr -d '\r' | sed -n "s/^$1://p"; }
        used=$(value used_memory)
        limit=$(value maxmemory)
        echo "$used bytes used, limit $limit"
        if [ "$limit" -eq 0 ]; then echo "there is no limit: memory is not the cause"; exit 1; fi
        if [ "$((used * 10))" -lt "$((limit * 9))" ]; then echo "less than 90 % is used: memory is not the cause"; exit 1; fi
        raised=$((used * 2))
        if [ "$raised" -lt "$((limit * 3 / 2))" ]; then raised=$((limit * 3 / 2)); fi
        redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" config set maxmemory "$raised"
      )
      """
    And I send the same search ten times, and read where the answer came from (within 2 minutes):
      """bash
      for number in 1 2 3 4 5 6 7 8 9 10; do
        curl --fail -sS -o /dev/null -D - --max-time 10 --retry 20 --retry-delay 1 "${API_BASE_URL:?}/api/providers?limit=100&lat=31.77" \
          | tr -d '\r' | grep -i '^x-cache:'
      done
      """
    Then all searches but the first were answered from the cache
    And searches are answered from the cache, faster than from the database
    And the alert CacheHitRatioLow falls silent again

  @risk_readonly
  Scenario: Static files come from the CDN
    When I measure the CDN:
      """bash
      curl --fail -sS -o /dev/null -w '%{http_code} %{time_total}\n' --max-time 10 "$CDN_URL"
      """
    And a person compares the share of cache hits in CloudFront or CloudFlare with last week's
    Then the CDN answers in less than 2000 ms
