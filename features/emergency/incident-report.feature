@needs_nginx
Feature: Incident report
  Within 24 hours: what happened when, from the logs and not from memory. The logs are copied first.

  Background:
    Given customers could not sign in for a while

  @risk_readonly
  Scenario: The timeline is made from the log
    When I read when it began, when it ended and what failed:
      """bash
      python3 -c '
      import collections, json, os
      began, seen = os.environ["INCIDENT_BEGAN"], []
      for line in open(os.environ["LOG_DIR"] + "/app.log", "rb"):
          try:
              entry = dict(json.loads(line))
          except (TypeError, ValueError):
              continue  # no event: a stack trace, a banner
          if str(entry.get("status")).startswith("5") and str(entry.get("timestamp")) >= began:
              seen.append(entry)
      if not seen:
          raise SystemExit("no request failed since " + began + ": is the time right, and in UTC? Was the log rotated?")
      endpoints = collections.Counter("{} {}".format(entry.get("method"), entry.get("path")) for entry in seen)
      print(json.dumps({"first": seen[0]["timestamp"], "last": seen[-1]["timestamp"], "failed": endpoints}, indent=1))
      '
      """
    Then the timeline has the first and the last failed request

  @risk_mutating
  Scenario: Copy the logs before anything is cleaned up
    When I copy the logs with their checksums to a folder of the incident:
      """bash
      (
        set -eu
        umask 077
        mkdir "$INCIDENT_DIR"
        cp -p "$LOG_DIR"/*.log* "$INCIDENT_DIR/"
        cd "$INCIDENT_DIR"
        sha256sum -- *.log* > SHA256SUMS
        chmod a-w -- *.log* SHA256SUMS
      )
      """
    Then the folder of the incident holds the failed requests
    And every file in it has the checksum that was noted

  @risk_readonly
  Scenario: Evidence that was changed is noticed
    Given the logs of the incident were kept, and one of them was changed afterwards
    When I try to check the copies:
      """bash
      (cd "$INCIDENT_DIR" && sha256sum --check --strict SHA256SUMS)
      """
    Then it is refused with exit code 1, saying:
      """
      app.log: FAILED
      """
    And only the changed file differs from its checksum
