/** What runs: stages of a program, the memory behind a command list, the scheduler, plans that are kept. Knows no compiler: a compiler gives it stages. */
module dev.meseta.runtime {
    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.driver;
    requires dev.meseta.linux;
    requires jdk.jfr;
    requires static org.jspecify;

    exports dev.meseta.runtime;
    exports dev.meseta.runtime.scheduler;
    exports dev.meseta.runtime.trace;
}
