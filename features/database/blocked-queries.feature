@needs_postgres @alert_DatabaseBlocked
Feature: Blocked queries
  Queries that wait for a lock use no CPU and no disk: they wait for one session, which can be named.

  @risk_readonly
  Scenario Outline: The session that blocks the others is found
    Given queries wait for a session that <blocks them>
    When I list who waits for whom, and for how long:
      """sql
      SELECT waiter.pid AS waiting, waiter.application_name AS application, now() - waiter.query_start AS since,
             by.pid AS blocked_by, blocker.application_name AS its_application, blocker.state,
             now() - blocker.xact_start AS its_transaction, left(blocker.query, 60) AS its_query
      FROM pg_stat_activity AS waiter
      CROSS JOIN unnest(pg_blocking_pids(waiter.pid)) AS by(pid)
      LEFT JOIN pg_stat_activity AS blocker ON blocker.pid = by.pid
      ORDER BY waiter.query_start;
      """
    Then the session at the root of the queue is named
    When I list prepared transactions, which hold locks without a session:
      """sql
      SELECT gid, prepared, now() - prepared AS held_for, owner, database
      FROM pg_prepared_xacts
      ORDER BY prepared;
      """
    Then every prepared transaction is listed

    Examples:
      | blocks them       |
      | works             |
      | was forgotten     |
      | changes the table |

  @risk_destructive
  Scenario: Cancel the blocking statement, and keep its session
    Given queries wait for a session that works
    When I name the session at the root of the queue:
      """bash
      psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object('pid', blocker.pid, 'application', blocker.application_name,
                               'state', blocker.state, 'waiting', count(*), 'query', left(blocker.query, 80))
      FROM pg_stat_activity AS waiter
      CROSS JOIN unnest(pg_blocking_pids(waiter.pid)) AS by(pid)
      JOIN pg_stat_activity AS blocker ON blocker.pid = by.pid
      WHERE cardinality(pg_blocking_pids(blocker.pid)) = 0
      GROUP BY blocker.pid, blocker.application_name, blocker.state, blocker.query
      ORDER BY count(*) DESC
      LIMIT 1;
      SQL
      """
    And I take pid from the answer as BLOCKER
    And I cancel its statement:
      """sql
      \getenv blocker BLOCKER
      \if :{?blocker}
      SELECT pid, application_name, pg_cancel_backend(pid) AS cancelled
      FROM pg_stat_activity
      WHERE pid = :'blocker'::int AND pid <> pg_backend_pid()
        AND pid IN (SELECT unnest(pg_blocking_pids(waiter.pid)) FROM pg_stat_activity AS waiter);
      \else
      \warn 'BLOCKER is not set in this psql: nothing was cancelled'
      \endif
      """
    Then nobody waits for a lock
    And the statements that waited have finished
    And the session that held the lock is still connected

  @risk_destructive
  Scenario: End a forgotten transaction that blocks others
    Given queries wait for a session that was forgotten
    And the alert DatabaseBlocked rings
    When I name the session at the root of the queue:
      """bash
      psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object('pid', blocker.pid, 'application', blocker.application_name,
                               'state', blocker.state, 'waiting', count(*), 'query', left(blocker.query, 80))
      FROM pg_stat_activity AS waiter
      CROSS JOIN unnest(pg_blocking_pids(waiter.pid)) AS by(pid)
      JOIN pg_stat_activity AS blocker ON blocker.pid = by.pid
      WHERE cardinality(pg_blocking_pids(blocker.pid)) = 0
      GROUP BY blocker.pid, blocker.application_name, blocker.state, blocker.query
      ORDER BY count(*) DESC
      LIMIT 1;
      SQL
      """
    And I take pid from the answer as BLOCKER
    And I end the session, because a cancel does nothing to a session that is idle:
      """sql
      \getenv blocker BLOCKER
      \if :{?blocker}
      SELECT pid, application_name, pg_terminate_backend(pid, 5000) AS ended
      FROM pg_stat_activity
      WHERE pid = :'blocker'::int AND pid <> pg_backend_pid()
        AND pid IN (SELECT unnest(pg_blocking_pids(waiter.pid)) FROM pg_stat_activity AS waiter);
      \else
      \warn 'BLOCKER is not set in this psql: nothing was ended'
      \endif
      """
    Then nobody waits for a lock
    And the statements that waited have finished
    And the session that held the lock is gone
    And the alert DatabaseBlocked falls silent again

  @risk_destructive @counter_example
  Scenario: A cancel does nothing to a forgotten transaction
    Given queries wait for a session that was forgotten
    When I name the session at the root of the queue:
      """bash
      psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object('pid', blocker.pid, 'application', blocker.application_name,
                               'state', blocker.state, 'waiting', count(*), 'query', left(blocker.query, 80))
      FROM pg_stat_activity AS waiter
      CROSS JOIN unnest(pg_blocking_pids(waiter.pid)) AS by(pid)
      JOIN pg_stat_activity AS blocker ON blocker.pid = by.pid
      WHERE cardinality(pg_blocking_pids(blocker.pid)) = 0
      GROUP BY blocker.pid, blocker.application_name, blocker.state, blocker.query
      ORDER BY count(*) DESC
      LIMIT 1;
      SQL
      """
    And I take pid from the answer as BLOCKER
    And I cancel its statement:
      """sql
      \getenv blocker BLOCKER
      SELECT pid, application_name, pg_cancel_backend(pid) AS cancelled
      FROM pg_stat_activity
      WHERE pid = :'blocker'::int AND pid <> pg_backend_pid();
      """
    Then somebody still waits for a lock

  @risk_destructive
  Scenario: Cancel a waiting schema change, so that the queue behind it moves
    Given queries wait for a session that changes the table
    When I name the schema change that the others wait behind:
      """bash
      psql -X -At -v ON_ERROR_STOP=1 <<'SQL'
      SELECT json_build_object('pid', pid, 'query', left(query, 80))
      FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND query ~* '^[[:space:]]*(alter|create|drop|truncate|reindex|cluster|refresh|vacuum|lock)'
        AND pid IN (SELECT unnest(pg_blocking_pids(behind.pid)) FROM pg_stat_activity AS behind)
      ORDER BY query_start
      LIMIT 1;
      SQL
      """
    And I take pid from the answer as BLOCKER
    And I cancel it:
      """sql
      \getenv blocker BLOCKER
      \if :{?blocker}
      SELECT pid, application_name, pg_cancel_backend(pid) AS cancelled
      FROM pg_stat_activity
      WHERE pid = :'blocker'::int AND pid <> pg_backend_pid()
        AND pid IN (SELECT unnest(pg_blocking_pids(waiter.pid)) FROM pg_stat_activity AS waiter);
      \else
      \warn 'BLOCKER is not set in this psql: nothing was cancelled'
      \endif
      """
    Then nobody waits for a lock
    And the statements that waited have finished
    # good without (1, 2): it gives up after a second where the table is not free, so nobody waits behind it.
    When I try to take the table again for a change, and give up instead of holding up others:
      """sql
      BEGIN;
      SET LOCAL lock_timeout = '1s';
      LOCK TABLE services IN ACCESS EXCLUSIVE MODE;
      -- the change goes here
      COMMIT;
      """
    Then a change that finds the table locked gives up by itself
    And nobody waits for a lock
