@needs_nginx
Feature: API responses
  Fewer bytes and fewer queries: compression, the response cache, and shorter lists. All of it is measured.

  @risk_readonly
  Scenario: Compression is measured in bytes
    When I measure the same list, uncompressed and compressed:
      """bash
      (
        set -eu -o pipefail
        url="$API_BASE_URL/api/services?limit=300"
        curl --fail-with-body -sS --max-time 10 "$url" | wc -c
        curl --fail-with-body -sS --max-time 10 -H 'Accept-Encoding: gzip' "$url" | wc -c
      )
      """
    Then the second number is less than 50 % of the first
    And a compressed list takes less than 50 % of the bytes

  @risk_mutating
  Scenario: Switch compression on again
    Given nginx does not compress responses
    When I measure the same list, uncompressed and compressed:
      """bash
      (
        set -eu -o pipefail
        url="$API_BASE_URL/api/services?limit=300"
        curl --fail-with-body -sS --max-time 10 "$url" | wc -c
        curl --fail-with-body -sS --max-time 10 -H 'Accept-Encoding: gzip' "$url" | wc -c
      )
      """
    Then both numbers are the same
    # good without (1): the block looks itself whether compression is off.
    When I switch it on, test the configuration and reload (within 1 minute):
      """bash
      (
        set -eu -o pipefail
        grep -n 'gzip off;' "${NGINX_CONF:?}"
        sed -i 's/gzip off;/gzip on;/' "$NGINX_CONF"
        nginx -t
        nginx -T 2>/dev/null | grep -F 'gzip on;'
        systemctl reload nginx
      )
      """
    Then a compressed list takes less than 50 % of the bytes

  @risk_readonly
  Scenario: The response cache is measured
    When I send the same search ten times, and read where the answer came from (within 2 minutes):
      """bash
      for number in 1 2 3 4 5 6 7 8 9 10; do
        curl --fail -sS -o /dev/null -D - --max-time 10 --retry 20 --retry-delay 1 "$API_BASE_URL/api/providers?limit=100&lat=31.78" \
          | tr -d '\r' | grep -i '^x-cache:'
      done
      """
    Then all searches but the first were answered from the cache
    And searches are answered from the cache, faster than from the database

  @risk_readonly
  Scenario: A shorter list is a smaller response
    When I measure a list of a hundred, and one of five:
      """bash
      for limit in 100 5; do
        curl --fail -sS --max-time 10 --retry 20 --retry-delay 1 -H 'Accept-Encoding: gzip' "$API_BASE_URL/api/services?limit=$limit" | wc -c
      done
      """
    Then the second number is less than 50 % of the first
    And a list of 5 takes fewer bytes than one of 100
