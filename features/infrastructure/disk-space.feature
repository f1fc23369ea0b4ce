@needs_nginx @alert_DiskFull
Feature: A disk is full
  Remove rotated and old logs, never an open one, never evidence. Then look for files that were deleted but are still
  open: their space is not free.

  @risk_readonly
  Scenario: Disk and inode usage is read
    When I list every file system, space and inodes:
      """bash
      df -P -h
      df -P -i
      """
    And I check the one that holds the logs:
      """bash
      beautycort host disk "$LOG_DIR" --format json || test $? -eq 1
      """
    Then the disk that is reported holds the log folder

  @risk_mutating
  Scenario: Find the biggest files on a full volume
    Given the log volume is full of rotated logs
    When I list the biggest files on it:
      """bash
      beautycort host disk "${LOG_VOLUME:?}" --format json || test $? -eq 1
      """
    Then the biggest file it names is "app.log.3"

  @risk_destructive
  Scenario: Remove rotated logs, and keep the open log and the evidence
    Given the log volume is full of rotated logs
    And the alert DiskFull rings
    When I show what would be removed:
      """bash
      find "${LOG_VOLUME:?}" -xdev -maxdepth 1 -type f -name 'app.log.*' -mtime +7 -print
      """
    # good without (1): only rotated logs of the application older than seven days are removed; the list is for the
    #   person who decides.
    And I remove the rotated application logs older than seven days:
      """bash
      find "${LOG_VOLUME:?}" -xdev -maxdepth 1 -type f -name 'app.log.*' -mtime +7 -delete
      """
    Then the volume has room, and the application writes its log again
    And no security log was removed
    And the alert DiskFull falls silent again

  @risk_destructive
  Scenario: Free the space of a deleted but open log, without a restart
    Given the log volume is full of a log that was deleted while it is written
    When I look for deleted files that are still open:
      """bash
      beautycort host disk "${LOG_VOLUME:?}" --format json || test $? -eq 1
      """
    And I take held[0].handle from the answer as HELD_FILE
    And I empty it through the process that holds it:
      """bash
      (
        set -eu -o pipefail
        readlink "${HELD_FILE:?}" | grep -E '\.log(\.[0-9]+)? \(deleted\)$' || { echo "this is no log: ask its owner"; exit 1; }
        truncate -s 0 "$HELD_FILE"
      )
      """
    Then no deleted file takes up space any more
    And the volume has room, and the application writes its log again
