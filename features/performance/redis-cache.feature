@needs_nginx
Feature: Redis cache
  How often the cache has the answer, what it costs in memory, and why nothing may be evicted from this instance.

  @risk_readonly @alert_CacheHitRatioLow
  Scenario: The current hit ratio is measured
    Given the API is serving
    When I read the counters at the start of the interval:
      """bash
      redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" info stats | python3 -c '
      import json, sys
      counted = dict(line.strip().split(":", 1) for line in sys.stdin if ":" in line)
      print(json.dumps({"hits": int(counted["keyspace_hits"]), "misses": int(counted["keyspace_misses"])}))
      '
      """
    And I take hits from the answer as HITS_BEFORE
    And I take misses from the answer as MISSES_BEFORE
    And I send the same search twenty times (within 2 minutes):
      """bash
      for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        curl --fail -sS -o /dev/null --max-time 10 --retry 20 --retry-delay 1 "$API_BASE_URL/api/providers?limit=100&lat=31.79"
      done
      """
    And I read the counters again, and compute the ratio in between:
      """bash
      redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" info stats | python3 -c '
      import json, os, sys
      counted = dict(line.strip().split(":", 1) for line in sys.stdin if ":" in line)
      hits = int(counted["keyspace_hits"]) - int(os.environ["HITS_BEFORE"])
      misses = int(counted["keyspace_misses"]) - int(os.environ["MISSES_BEFORE"])
      ratio = round(100 * hits / (hits + misses), 1)
      print(json.dumps({"hits": hits, "misses": misses, "hitRatioPercent": ratio}))
      '
      """
    Then the hit ratio it computes is at least 80 %

  @risk_readonly
  Scenario: Memory, fragmentation and the eviction policy are read
    Given the API is serving
    When I read the memory figures of Redis:
      """bash
      redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" info memory | tr -d '\r' \
        | grep -E '^(used_memory|maxmemory|mem_fragmentation_ratio|maxmemory_policy):'
      """
    Then it shows memory use, fragmentation and the eviction policy
    And the eviction policy of Redis is noeviction
    And Redis uses less than 75 % of its memory

  @risk_readonly
  Scenario Outline: With eviction on, Redis forgets revoked tokens
    Given Redis evicts by <policy>, and the cache fills its memory
    When I ask whether the revoked token is on the blacklist:
      """bash
      curl --fail-with-body -sS --max-time 10 -H "@$TOKEN_HEADER_FILE" "$API_BASE_URL/api/auth/verify-blacklist"
      """
    Then the blacklist no longer holds the revoked token

    Examples:
      | policy       |
      | allkeys-lru  |
      | volatile-lru |
      | volatile-ttl |

  @risk_mutating
  Scenario: Switch eviction off, and keep the blacklist
    Given Redis evicts by allkeys-lru, and the cache fills its memory
    When I remove what fills the memory, then switch eviction off (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" --scan --pattern 'cache:*' \
          | xargs -r -d '\n' -n 100 redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" unlink
        value() { redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" info memory | tr -d '\r' | sed -n "s/^$1://p"; }
        used=$(value used_memory)
        limit=$(value maxmemory)
        echo "$used bytes used, limit $limit"
        if [ "$limit" -gt 0 ] && [ "$((used * 10))" -ge "$((limit * 9))" ]; then
          echo "it is not the cache that fills it: raise the limit first, or nobody can sign in"
          exit 1
        fi
        redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" config set maxmemory-policy noeviction
      )
      """
    Then the eviction policy of Redis is noeviction
    And what filled the memory is gone from the cache
    And Redis accepts writes again
    And a customer who signs out is signed out

  @risk_mutating
  Scenario: Give cached responses without an expiry one
    Given cached responses were written without an expiry
    When I give an expiry to every cached response that has none (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" --scan --pattern 'cache:*' \
          | sed 's/.*/expire "&" 60 nx/' | redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" | sort | uniq -c
      )
      """
    Then every cached response has an expiry of at most 60 seconds
