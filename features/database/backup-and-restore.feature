@needs_nginx @needs_aws
Feature: Make a backup, or restore one
  A backup counts only when it was downloaded and restored once. A restore does not touch the live database
  until the new one is verified.

  @risk_mutating @alert_BackupTooOld
  Scenario: Make a backup, and verify it
    Given the API is serving
    And the last backup was made two days ago
    And the alert BackupTooOld rings
    When I make a backup (within 10 minutes):
      """bash
      beautycort database-backup backup --keep-old --format json
      """
    And I restore it into a scratch database, and compare (within 10 minutes):
      """bash
      beautycort database-backup verify-latest --format json
      """
    And I list the backups:
      """bash
      beautycort database-backup list
      """
    Then the newest backup is in the bucket with its manifest
    And its manifest counts the rows of every table as they are
    And no scratch database is left
    And the alert BackupTooOld falls silent again

  @risk_mutating
  Scenario: Verify every backup that is kept
    Given a verified backup
    When I verify every backup (within 30 minutes):
      """bash
      beautycort database-backup verify-all --format json
      """
    Then every backup in the report is good
    And no scratch database is left

  @risk_mutating
  Scenario: Prove one backup before it is needed
    Given a verified backup
    When I list the backups, newest first:
      """bash
      beautycort database-backup list
      """
    # good without (1): the backup is what you set as BACKUP_LOCATION; it is restored into a database of its own.
    And I restore the one I want into a scratch database, and compare (within 30 minutes):
      """bash
      beautycort database-backup verify "${BACKUP_LOCATION:?}" --format json
      """
    Then every backup in the report is good
    And no scratch database is left

  @risk_mutating
  Scenario: Look first at what a restore needs
    Given the API is serving
    When I ask for rights, room and the time that it will take (within 2 minutes):
      """bash
      beautycort database-backup doctor
      """
    Then it tells the size of the database, and the room on this machine

  @risk_destructive @alert_DataLoss
  Scenario: Bring back lost rows of one table, and keep newer bookings
    Given a verified backup
    And rows of the bookings are deleted, and customers go on booking
    When I bring the rows of that time beside the live tables (within 15 minutes):
      """bash
      beautycort database-backup restore "${BACKUP_LOCATION:?}" --tables public.bookings,public.payments --beside --format json
      """
    And I take schema from the answer as BESIDE
    And I put back the rows that are missing (within 5 minutes):
      """bash
      beautycort database-backup rows-back "${BESIDE:?}" --format json
      """
    Then every booking and payment of the backup is there again
    And every booking that was made since is there too
    And the API is serving

  @risk_destructive @alert_DataLoss
  Scenario: Bring back rows that no backup holds, and keep newer bookings
    Given the server archives its WAL
    And a base backup is in the archive
    And bookings that no backup holds are deleted, and customers go on booking
    When I bring the rows of the moment before the damage beside the live tables (within 30 minutes):
      """bash
      beautycort database-backup restore --to-time "${DAMAGED_AT:?}" --tables public.bookings,public.payments --beside --format json
      """
    And I take schema from the answer as BESIDE
    And I put back the rows that are missing (within 5 minutes):
      """bash
      beautycort database-backup rows-back "${BESIDE:?}" --format json
      """
    Then every booking and payment of that moment is there again
    And every booking that was made since is there too
    And the API is serving

  @risk_destructive @counter_example
  Scenario: A moment that the archive does not reach is refused
    Given the server archives its WAL
    And a base backup is in the archive
    And the damage is older than every base backup
    When I try to bring rows of that moment back (within 5 minutes):
      """bash
      beautycort database-backup restore --to-time "${DAMAGED_AT:?}" --tables public.bookings --beside
      """
    Then it ends with exit code 3
    And the refusal names the oldest base backup
    And the live database was not touched

  @risk_destructive @alert_DataLoss
  Scenario: Restore the whole database from before the damage
    Given a verified backup
    And rows and a table of the live database are lost
    And a backup was made after the damage
    When I list the backups that were made before the damage, newest first:
      """bash
      beautycort database-backup list --before "${DAMAGED_AT:?}" --format json
      """
    And I take backups[0].location from the answer as BACKUP_BEFORE
    And I restore it in place of the live database (within 15 minutes):
      """bash
      beautycort database-backup restore "${BACKUP_BEFORE:?}" ${PREPARED_DATABASE:+--prepared="$PREPARED_DATABASE"} --format json
      """
    Then every table holds what it held in the backup
    And who may connect with the database is as before
    And the API is serving
    And the replaced database is kept

  @risk_destructive
  Scenario: Undo a restore, so that customers can book again
    Given a verified backup
    And the live database was replaced by a restore
    When I put the replaced database back (within 5 minutes):
      """bash
      beautycort database-backup undo-restore --format json
      """
    Then the database from before the restore is live again
    And a row can be written to the live database

  @risk_destructive
  Scenario: Discard the replaced database when nobody misses it
    Given a verified backup
    And the live database was replaced by a restore
    When I discard the database that was replaced (within 2 minutes):
      """bash
      beautycort database-backup discard-old
      """
    Then no replaced database is kept
    And the API is serving

  @risk_destructive @counter_example
  Scenario: A restore without a confirmation is refused
    Given nobody answers the question that a command asks
    And a verified backup
    When I try to restore without naming the target:
      """bash
      beautycort database-backup restore "${BACKUP_LOCATION:?}" ${PREPARED_DATABASE:+--prepared="$PREPARED_DATABASE"}
      """
    Then it ends with exit code 3
    And the live database was not touched

  @risk_destructive @counter_example
  Scenario Outline: A backup that cannot be trusted is refused
    Given a verified backup
    And the backup is <damage>
    When I try to restore it (within 5 minutes):
      """bash
      beautycort database-backup restore "${BACKUP_LOCATION:?}" ${PREPARED_DATABASE:+--prepared="$PREPARED_DATABASE"}
      """
    Then it ends with exit code 3
    And the refusal names the <reason>
    And the live database was not touched

    Examples:
      | damage                     | reason   |
      | changed by one byte        | checksum |
      | cut short                  | size     |
      | encrypted with another key | key      |
      | made of another database   | another database |
