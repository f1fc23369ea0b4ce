@needs_nginx @alert_SecurityBreach
Feature: Respond to a breach
  Copy the evidence, find the attacker, shut the attacker out, make stolen secrets worthless, and let nobody back in.

  @risk_mutating
  Scenario: Copy the evidence before anything is cleaned up
    Given somebody attacks the sign-in from one address
    When a person tells the Security Lead by telephone, and opens an incident of severity CRITICAL
    And I copy the logs with their checksums to a folder of the incident, read-only:
      """bash
      (
        set -eu
        umask 077
        mkdir "$INCIDENT_DIR"
        cp -p "$LOG_DIR"/*.log* "$NGINX_ACCESS_LOG"* "$INCIDENT_DIR/"
        cd "$INCIDENT_DIR"
        sha256sum -- *.log* > SHA256SUMS
        chmod a-w -- *.log* SHA256SUMS
      )
      """
    Then the copies of the API and nginx logs hold the attack
    And every file in it has the checksum that was noted
    And nobody has the right to write to the copies

  @risk_readonly
  Scenario: The address that is guessing codes is found
    Given somebody attacks the sign-in from one address
    When I count failed sign-ins by address, of the last five thousand events:
      """bash
      tail -n 5000 "$LOG_DIR/security.log" | python3 -c '
      import collections, json, sys
      events = []
      for line in sys.stdin.buffer:
          try:
              events.append(dict(json.loads(line)))
          except (TypeError, ValueError):
              continue  # no event: a stack trace, a banner
      failed = [e for e in events if e.get("event") == "authentication failed"]
      for ip, times in collections.Counter(e.get("ip", "?") for e in failed).most_common(10):
          seen = sorted(e.get("timestamp", "?") for e in failed if e.get("ip", "?") == ip)
          print(times, ip, seen[0], seen[-1])
      '
      """
    Then the attacking address is listed with its failed sign-ins

  @risk_readonly
  Scenario: What the attacker tried, and what was answered, is found
    Given somebody attacks the sign-in from one address
    And the attacker tries a forged token, and asks for files
    When I count refused and suspicious requests by address and path, of the last five thousand events:
      """bash
      tail -n 5000 "$LOG_DIR/security.log" | python3 -c '
      import collections, json, sys
      events = []
      for line in sys.stdin.buffer:
          try:
              events.append(dict(json.loads(line)))
          except (TypeError, ValueError):
              continue  # no event: a stack trace, a banner
      wanted = ("authorization failed", "suspicious request")
      counted = collections.Counter((e["event"], e.get("ip"), e.get("path", "")) for e in events if e.get("event") in wanted)
      for (event, ip, path), times in counted.most_common(20):
          print(times, event, ip, path, sep="\t")
      '
      """
    And I list what nginx answered with success to the address, of the last five thousand requests:
      """bash
      tail -n 5000 "$NGINX_ACCESS_LOG" | python3 -c '
      import os
      for line in open(0, errors="replace"):
          parts = line.split("\"")
          if len(parts) > 2 and line.startswith(os.environ["ATTACKER"] + " ") and parts[2].startswith(" 2"):
              print(parts[2].split()[0], parts[1])
      '
      """
    Then the forged token and the files are listed with the attacking address
    And only what was answered with success is listed

  @risk_mutating
  Scenario: Block the address, and serve everyone else
    Given somebody attacks the sign-in from one address
    When I get ready to unblock the address:
      """bash
      (
        set -eu
        cd "${NGINX_PREFIX:?}/blocked.d"
        grep -vxF "deny ${ATTACKER:?};" attack.conf > attack.conf.new || test ! -s attack.conf.new
        mv attack.conf.new attack.conf
        nginx -t
        nginx -s reload
      )
      """
    And I block the address, test, and reload only if the test is good (within 1 minute):
      """bash
      (
        set -eu -o pipefail
        cd "${NGINX_PREFIX:?}/blocked.d"
        touch attack.conf
        cp -p attack.conf attack.conf.before
        printf 'deny %s;\n' "${ATTACKER:?}" >> attack.conf
        if ! nginx -t || ! nginx -T 2>/dev/null | grep -F "deny $ATTACKER;"; then
          mv attack.conf.before attack.conf
          echo "nothing is blocked: nginx refuses the address, or does not read this folder"
          exit 1
        fi
        nginx -s reload
        rm attack.conf.before
      )
      """
    Then the attacking address gets 403 whatever it asks for, and the others are served

  @risk_mutating
  Scenario: Tighten the rate limit, and put it back afterwards
    Given the rate limit allows an address many requests
    When I keep the former limit beside the new one:
      """bash
      (
        set -eu
        test ! -e "$NGINX_PREFIX/limits.d/api.conf.before"
        cp -p "$NGINX_PREFIX/limits.d/api.conf" "$NGINX_PREFIX/limits.d/api.conf.before"
      )
      """
    And I get ready to put the former limit back:
      """bash
      mv "${NGINX_PREFIX:?}/limits.d/api.conf.before" "$NGINX_PREFIX/limits.d/api.conf" && nginx -t && nginx -s reload
      """
    And I allow each address 30 requests a minute, and 10 at once (within 1 minute):
      """bash
      (
        set -eu -o pipefail
        cmp "$NGINX_PREFIX/limits.d/api.conf.before" "$NGINX_PREFIX/limits.d/api.conf"
        sed -i -E 's|rate=[0-9]+r/[ms]|rate=30r/m|; s|burst=[0-9]+|burst=10|' "$NGINX_PREFIX/limits.d/api.conf"
        nginx -t
        nginx -T 2>/dev/null | grep -F "rate=30r/m"
        nginx -s reload
      )
      """
    Then a burst from one address is refused, and others are served
    # good without (2): the former limit is right whether or not it was tightened.
    When I put the former limit back when the attack is over (the undo ends here) (within 1 minute):
      """bash
      (
        set -eu
        test -e "$NGINX_PREFIX/limits.d/api.conf.before"
        mv "$NGINX_PREFIX/limits.d/api.conf.before" "$NGINX_PREFIX/limits.d/api.conf"
        nginx -t
        nginx -s reload
      )
      """
    Then the rate limit allows an address as many requests as before

  @risk_mutating @counter_example
  Scenario: An unconfirmed rotation is refused
    Given nobody answers the question that a command asks
    And a customer is signed in
    And the settings of the API are noted
    When I try to rotate the secret without naming the target:
      """bash
      beautycort secrets rotate JWT_SECRET
      """
    Then it is refused with exit code 3, saying:
      """
      this replaces JWT_SECRET
      """
    And the settings of the API are unchanged
    And every slot accepts the tokens of customers who were signed in

  @risk_destructive
  Scenario: Rotate the JWT secret, so that forged tokens are refused
    Given a customer is signed in
    And the JWT secret was stolen, and a token forged with it
    When I put a new secret into the settings, unseen:
      """bash
      beautycort secrets rotate JWT_SECRET
      """
    # good without (1): the block asks a container whether the secret in the settings is the one in use, and stops then.
    And I create every instance anew, because a restart keeps the old secret (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        wanted=$(sed -n 's/^JWT_SECRET=//p' "$API_ENV_FILE" | tail -n 1 | tr -d '\n' | sha256sum)
        used=$(docker compose exec -T api sh -c 'printf %s "$JWT_SECRET" | sha256sum') || used="none that runs"
        if [ "$used" = "$wanted" ]; then echo "the secret in the settings is the one in use: rotate it first"; exit 1; fi
        count=$(docker compose ps -a -q api | wc -l)
        test "$count" -gt 0
        docker compose up -d --no-deps --force-recreate --scale "api=$count" api
        for slot in $(echo "$API_SLOTS"); do
          curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
      )
      """
    And I make sure that every instance has the new secret, without showing it:
      """bash
      (
        set -eu -o pipefail
        if [ -z "$(find -L "$API_ENV_FILE" -mmin -30)" ]; then echo "no secret was rotated in the last half hour: nothing to take up"; exit 1; fi
        wanted=$(sed -n 's/^JWT_SECRET=//p' "$API_ENV_FILE" | tail -n 1 | tr -d '\n' | sha256sum)
        for number in $(seq "$(docker compose ps -q api | wc -l)"); do
          found=$(docker compose exec -T --index "$number" api sh -c 'printf %s "$JWT_SECRET" | sha256sum')
          test "$found" = "$wanted"
          echo "instance $number has the new secret"
        done
      )
      """
    Then every slot refuses the forged token
    And every slot refuses the tokens of customers who were signed in
    And every slot accepts a token that any slot issues now

  @risk_mutating
  Scenario: Sign everybody out, and let no revoked token come back
    Given a customer is signed in
    And a customer has signed out
    And the revoked tokens are noted
    When I count the keys that keep customers signed in, by kind:
      """bash
      redis-cli -e -h "${REDIS_HOST:?}" -p "${REDIS_PORT:?}" --scan | cut -d: -f1 | sort | uniq -c | sort -rn
      """
    # good without (1): the block counts the keys itself, before and after.
    And I remove them, and nothing else (within 2 minutes):
      """bash
      (
        set -eu -o pipefail
        keys() {
          for kind in $(echo "${SIGNED_IN_KEYS:?}"); do
            redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" --scan --pattern "$kind*"
          done
        }
        found=$(keys | wc -l)
        echo "$found keys before"
        test "$found" -gt 0
        keys | xargs -r -d '\n' -n 100 redis-cli -e -h "$REDIS_HOST" -p "$REDIS_PORT" unlink
        left=$(keys | wc -l)
        echo "$left keys after"
        test "$left" -lt "$found"
      )
      """
    Then every slot refuses the tokens of customers who were signed in
    And every revoked token is still refused
    And no session is left, and the blacklist is whole
    And a customer can sign in

  @risk_destructive
  Scenario: Change the password of a database role, and never show it
    Given the password of a database role is known to somebody else
    When I give the role a new password, into a file of its own (within 1 minute):
      """bash
      beautycort secrets rotate-role "${LEAKED_ROLE:?}" --out "${ROLE_PASSWORD_FILE:?}"
      """
    And I connect with the new password, and end the sessions that the old one opened:
      """bash
      (
        set -eu
        passfile=$(mktemp)
        trap 'rm -f "$passfile"' EXIT
        printf '*:*:*:%s:%s\n' "${LEAKED_ROLE:?}" "$(cat "${ROLE_PASSWORD_FILE:?}")" > "$passfile"
        env -u PGPASSWORD PGPASSFILE="$passfile" PGUSER="$LEAKED_ROLE" psql -X -w -At -c 'SELECT current_user'
        psql -X -v ON_ERROR_STOP=1 -v role="$LEAKED_ROLE" <<'SQL'
      SELECT count(pg_terminate_backend(pid, 5000)) AS ended FROM pg_stat_activity
      WHERE usename = :'role' AND pid <> pg_backend_pid();
      SQL
      )
      """
    Then the old password is refused, its sessions are gone, and the new password works
    And the new password is in no output, no statistics and no server log

  @risk_destructive
  Scenario: Give the application another database role, while customers are served
    Given the password of the application's database role is known to somebody else
    And customers keep sending requests
    When I make a second role that acts as the first one, with a password in a file of its own (within 1 minute):
      """bash
      (
        set -eu
        test ! -e "${ROLE_PASSWORD_FILE:?}"
        psql -X -v ON_ERROR_STOP=1 -v leaked_role="${LEAKED_ROLE:?}" -v new_role="${NEW_ROLE:?}" <<'SQL'
      BEGIN;
      CREATE ROLE :"new_role" LOGIN IN ROLE :"leaked_role";
      ALTER ROLE :"new_role" SET role = :'leaked_role';
      COMMIT;
      SQL
        beautycort secrets rotate-role "$NEW_ROLE" --out "$ROLE_PASSWORD_FILE"
      )
      """
    And I put it into the settings of the application, unseen (within 1 minute):
      """bash
      beautycort secrets use-role "${NEW_ROLE:?}" --password-file "${ROLE_PASSWORD_FILE:?}"
      """
    And I create the instances anew while others serve (within 4 minutes):
      """bash
      (
        set -eu -o pipefail
        if ! grep -q "^DATABASE_URL=.*//${NEW_ROLE:?}:" "$API_ENV_FILE"; then echo "the settings do not name $NEW_ROLE: do that first"; exit 1; fi
        count=$(docker compose ps -q api | wc -l)
        if [ "$count" -lt 2 ]; then echo "one instance alone serves: start one more first"; exit 1; fi
        docker compose up -d --no-deps --no-recreate --scale "api=$(((count + 1) / 2))" api
        docker compose up -d --no-deps --no-recreate --scale "api=$count" api
        for slot in $(echo "$API_SLOTS"); do
          curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
        docker compose up -d --no-deps --scale "api=$count" api
        for slot in $(echo "$API_SLOTS"); do
          curl --fail -sS -o /dev/null --max-time 5 --retry 20 --retry-delay 1 --retry-connrefused "$slot/api/health"
        done
      )
      """
    And I read who the application signs in as:
      """sql
      SELECT usename, count(*) FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      GROUP BY usename;
      """
    Then the application signs in as the new role alone
    # good without (4): the block looks itself that the application signs in as the new role.
    When I let nobody sign in as the old role any more, and end the sessions that are open:
      """sql
      \getenv leaked_role LEAKED_ROLE
      \getenv new_role NEW_ROLE
      SELECT count(*) > 0 AS moved FROM pg_stat_activity WHERE usename = :'new_role' AND pid <> pg_backend_pid() \gset
      \if :moved
      ALTER ROLE :"leaked_role" NOLOGIN;
      SELECT count(pg_terminate_backend(pid, 5000)) AS ended FROM pg_stat_activity
      WHERE usename = :'leaked_role' AND pid <> pg_backend_pid();
      \else
      \warn 'nobody signs in as the new role: nothing was shut'
      \endif
      """
    Then whoever knows the old password is out, and cannot come back
    And every slot answers from the database
    And no customer got an error meanwhile

  @risk_mutating
  Scenario: Replace the API key of another service
    When a person makes a new key in the console of Tap, Twilio or Supabase, and writes it to the settings of the API
    And a person creates the instances anew, half of them at a time, and sees a payment and a code go through
    And a person revokes the old key in the console
    And I run the smoke tests (within 2 minutes):
      """bash
      beautycort health-checks smoke
      """
    Then the API is serving
