@needs_nginx @needs_aws
Feature: Production deployment
  A tag starts it. Watch the workflow to its end, ask each slot for its version, then watch production for 15 minutes.

  @risk_destructive
  Scenario: Push the tag, and wait until every slot serves the new version
    Given version 1.4.0 is ready, and the pipeline deploys what is tagged
    When I tag the commit that was tested, and push the tag:
      """bash
      git -C "${APP_REPOSITORY:?}" tag -a "v${RELEASE_VERSION:?}" -m "Production deployment v$RELEASE_VERSION" "${RELEASE_COMMIT:?}" \
        && git -C "$APP_REPOSITORY" push origin "v${RELEASE_VERSION:?}"
      """
    Then the remote has the tag, annotated, at the commit that was tested
    When I watch the workflow to its end (within 21 minutes):
      """bash
      beautycort ci watch "v${RELEASE_VERSION:?}" --within 20m
      """
    And I wait until every slot is healthy on the new version (within 11 minutes):
      """bash
      beautycort releases wait "${RELEASE_VERSION:?}" --within 10m
      """
    Then every slot runs version 1.4.0
    # good without (2, 3): the block looks itself that the new version serves.
    When I run the smoke tests, if it is the new version that serves (within 2 minutes):
      """bash
      beautycort releases wait "${RELEASE_VERSION:?}" --within 5s >&2 && beautycort health-checks smoke --format json
      """
    Then every smoke test passed

  @risk_readonly
  Scenario: Fifteen quiet minutes end the deployment
    Given the response time before the deployment is known
    And version 1.4.0 was deployed on every slot and it works
    And customers keep looking at the categories
    When I watch error rate and response time for 15 minutes (within 20 minutes):
      """bash
      beautycort rollback-manager watch --minutes 15 --baseline-ms "$BASELINE_MS" --format json
      """
    Then the criterion "error rate" does not fire
    And the criterion "response time" does not fire

  @risk_readonly
  Scenario: Errors during the watch call for a rollback
    Given version 1.4.0 was deployed on every slot and it fails
    And customers keep looking at the categories
    When I try to watch error rate and response time for 15 minutes (within 20 minutes):
      """bash
      beautycort rollback-manager watch --minutes 15
      """
    Then it ends with exit code 1
    And it says: roll back

  @risk_mutating
  Scenario: A failed workflow is noticed, and nothing was deployed
    Given the version of every slot is noted
    And version 1.4.0 is ready, and the pipeline fails
    When I tag the commit that was tested, and push the tag:
      """bash
      git -C "${APP_REPOSITORY:?}" tag -a "v${RELEASE_VERSION:?}" -m "Production deployment v$RELEASE_VERSION" "${RELEASE_COMMIT:?}" \
        && git -C "$APP_REPOSITORY" push origin "v${RELEASE_VERSION:?}"
      """
    And I try to watch the workflow to its end (within 21 minutes):
      """bash
      beautycort ci watch "v${RELEASE_VERSION:?}" --within 20m
      """
    Then it ends with exit code 1
    And every slot runs the version that it ran before

  @risk_readonly
  Scenario: A version that is already taken is found before it is tagged
    Given version 1.4.0 is ready, and the pipeline fails
    And that version was tagged before
    When I ask the remote for its tag:
      """bash
      git -C "$APP_REPOSITORY" ls-remote --tags origin "refs/tags/v$RELEASE_VERSION"
      """
    Then the tag is listed, so the version is taken

  @risk_mutating @counter_example
  Scenario: A version is never tagged twice
    Given version 1.4.0 is ready, and the pipeline fails
    And that version was tagged before
    When I try to tag another commit with it:
      """bash
      git -C "${APP_REPOSITORY:?}" tag -a "v${RELEASE_VERSION:?}" -m "Production deployment v$RELEASE_VERSION" "${RELEASE_COMMIT:?}"
      """
    Then it is refused with exit code 128, saying:
      """
      tag 'v1.4.0' already exists
      """
    And the tag on the remote is still the first one
