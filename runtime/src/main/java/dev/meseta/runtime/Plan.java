package dev.meseta.runtime;

import dev.meseta.driver.Executable;
import org.jspecify.annotations.Nullable;

/**
 * A stage that is ready to run, and the plans that followed it so far.
 *
 * @param stage what runs
 * @param executable the stage's graph on the device; null if it has no nodes
 * @param next plans that follow, by what decides them
 */
record Plan(Stage stage, @Nullable Executable executable, PlanCache next) {}
