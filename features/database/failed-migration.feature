@needs_postgres @alert_MigrationFailed
Feature: Failed migration
  A migration runs in one transaction: when it fails, nothing of it stays. One that cannot run in a transaction
  may leave something behind, and says so.

  @risk_mutating
  Scenario: Correct and apply a migration that failed half-way
    Given a migration has failed half-way
    When I try to list the state of every migration:
      """bash
      beautycort migrate status --format json
      """
    Then the migration that failed stands as pending, and those before it as applied
    And nothing of the failed migration is in the database
    When I try to apply it again, to read the reason:
      """bash
      beautycort migrate up
      """
    Then it ends with exit code 1
    And the reason names the file that failed, and what is wrong with it
    When I put the corrected file in its place, which was never applied:
      """bash
      cp "${CORRECTED_FILE:?}" "${MIGRATIONS_DIR:?}/${FAILED_FILE:?}"
      """
    # good without (3): a file that is not corrected fails as it did before, and leaves nothing.
    And I apply what is pending (within 20 minutes):
      """bash
      beautycort migrate up
      """
    Then every file is recorded as applied, with its checksum
    And what the corrected file makes is there
    When I check that the data is intact:
      """bash
      beautycort validate data --format json
      """
    Then every integrity rule holds

  @risk_mutating
  Scenario: Remove what a migration outside a transaction left, before it runs again
    Given a migration that builds an index concurrently has failed
    When I try to list the state of every migration:
      """bash
      beautycort migrate status --format json
      """
    Then migration 2 stands as failed
    And the index users_name_key was left, invalid
    When I try to apply it again at once:
      """bash
      beautycort migrate up
      """
    Then it is refused with exit code 3, saying:
      """
      failed outside a transaction and may have left something; clean it
      """
    When I drop what it left behind (within 5 minutes):
      """sql
      \getenv left_index LEFT_INDEX
      DROP INDEX CONCURRENTLY IF EXISTS :"left_index";
      """
    # good without (3): the corrected file is right whether or not the index is gone, and applies nothing by itself.
    And I put the corrected file in its place:
      """bash
      cp "${CORRECTED_FILE:?}" "${MIGRATIONS_DIR:?}/${FAILED_FILE:?}"
      """
    # good without (4): a file that is not corrected fails as it did before, and leaves what it left before.
    And I apply it again, if nothing is left (within 20 minutes):
      """bash
      (
        set -eu -o pipefail
        left=$(psql -X -At -v ON_ERROR_STOP=1 -v index="${LEFT_INDEX:?}" <<<"SELECT count(*) FROM pg_class WHERE relname = :'index'")
        if [ "$left" -ne 0 ]; then echo "$LEFT_INDEX is still there: drop it first"; exit 1; fi
        beautycort migrate up --retry-failed
      )
      """
    Then the index users_name is there, valid
    And the database records 2 applied migrations

  @risk_mutating
  Scenario: Put back an applied migration that was edited
    Given a migration has failed half-way
    And somebody edited the file of a migration that was applied
    When I try to apply what is pending:
      """bash
      beautycort migrate up
      """
    Then it is refused with exit code 3, saying:
      """
      was changed after it was applied; restore the file, and write a new migration
      """
    And the applied migration was not run again
    And nothing of the failed migration is in the database
    When I put back the file that was applied:
      """bash
      git -C "${MIGRATIONS_DIR:?}" checkout -- "${EDITED_FILE:?}"
      """
    And I try to list the state of every migration:
      """bash
      beautycort migrate status --format json
      """
    Then migration 1 stands as applied
    And migration 2 stands as pending

  @risk_mutating
  Scenario: A concurrent index build is refused inside a transaction
    Given a migration that builds an index concurrently was written as an ordinary one
    When I try to apply it again, to read the reason:
      """bash
      beautycort migrate up
      """
    Then it is refused with exit code 1, saying:
      """
      CREATE INDEX CONCURRENTLY cannot run inside a transaction block
      """
    And the database records 1 applied migrations
    When I say in its first line that it runs outside a transaction:
      """bash
      sed -i '1i -- migrate: no-transaction' "${MIGRATIONS_DIR:?}/${FAILED_FILE:?}"
      """
    And I apply it, if the file says so:
      """bash
      head -n 1 "${MIGRATIONS_DIR:?}/${FAILED_FILE:?}" | grep -x -- '-- migrate: no-transaction' && beautycort migrate up
      """
    Then the index users_name is there, valid

  @risk_mutating
  Scenario: A migration that commits in its middle is refused, and corrected
    Given a migration that commits in its middle was written
    When I try to apply it, to read the reason:
      """bash
      beautycort migrate up
      """
    Then it is refused with exit code 3, saying:
      """
      ends or begins a transaction, and the file runs in one of its own
      """
    And nothing of the failed migration is in the database
    When I put the corrected file in its place, which was never applied:
      """bash
      cp "${CORRECTED_FILE:?}" "${MIGRATIONS_DIR:?}/${FAILED_FILE:?}"
      """
    And I look at the locks that it takes:
      """bash
      beautycort migrate plan --format json
      """
    Then reads and writes of bookings wait while it runs
    # good without (2): a file that is not corrected is refused before anything of it runs.
    # good without (3): the locks are for the person who decides when.
    When I apply what is pending (within 20 minutes):
      """bash
      beautycort migrate up
      """
    Then both of its columns are there
    And the database records 2 applied migrations

  @risk_mutating
  Scenario: Adopt a database that another tool migrated
    Given the Supabase CLI has recorded the first of two migrations
    When I try to list the state of every migration:
      """bash
      beautycort migrate status
      """
    Then it is refused with exit code 3, saying:
      """
      this database is migrated by the Supabase CLI
      """
    When I record what that tool has applied, without running it:
      """bash
      beautycort migrate adopt --from-other-tool
      """
    # good without (2): the command refuses a database that another tool migrates.
    And I apply what is pending (within 20 minutes):
      """bash
      beautycort migrate up
      """
    Then the database records 2 applied migrations
    And only the second migration was run

  @risk_readonly
  Scenario: Data that breaks a rule is found, with its ids
    Given the price of some bookings does not add up
    When I try to validate the data:
      """bash
      beautycort validate data --format json
      """
    Then it ends with exit code 1
    And the rule price-adds-up is broken, with the ids of bookings that break it
