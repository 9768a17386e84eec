package dev.meseta.runtime;

import dev.meseta.driver.Executable;
import dev.meseta.runtime.scheduler.Client;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A stage that is ready to run, and the plans that followed it so far. Thread-safe. */
final class Plan {
    private final Compiled compiled;
    private final @Nullable GraphJobs jobs;
    private final PlanCache next;
    private final @Nullable String key;
    private final Supplier<Stage> maker;
    private @Nullable Stage stage;

    /**
     * @param client whose jobs its runs are
     * @param key names the plan among the model's plans; null if it is not kept
     * @param stage the stage, if it is to be remembered
     * @param maker makes the stage (again)
     */
    Plan(
            Compiled compiled,
            Client client,
            PlanCache next,
            @Nullable String key,
            @Nullable Stage stage,
            Supplier<Stage> maker) {
        this.compiled = compiled;
        Executable e = compiled.executable();
        this.jobs = e == null ? null : GraphJobs.of(client, e);
        this.next = next;
        this.key = key;
        this.stage = stage;
        this.maker = maker;
    }

    Compiled compiled() {
        return compiled;
    }

    /** What runs its executable; null if it has none. */
    @Nullable
    GraphJobs jobs() {
        return jobs;
    }

    /** The plans that follow, by what decides them. */
    PlanCache next() {
        return next;
    }

    @Nullable
    String key() {
        return key;
    }

    /** The stage itself, made again where it was not remembered: most runs do not need it. */
    synchronized Stage stage() {
        Stage s = stage;
        if (s == null) {
            s = maker.get();
            stage = s;
        }
        return s;
    }
}
