package dev.meseta.compiler;

import dev.meseta.driver.Target;
import java.util.List;

/** Devices that tests compile for. */
final class Targets {
    static final Target AVX512 = new Target(64, 32, 2, 32 << 10, 1024 << 10);
    static final Target AVX2 = new Target(32, 16, 2, 32 << 10, 512 << 10);
    static final Target SVE = new Target(32, 32, 4, 64 << 10, 1024 << 10);
    static final Target NEON = new Target(16, 32, 4, 64 << 10, 512 << 10);

    /** Whose iterations run many at a time. */
    static final Target LOCKSTEP = lockstep(0);

    /** Whose members of a team read each other's registers, too. */
    static final Target SUBGROUPS = lockstep(8);

    /** Whose teams combine values of their members, of whatever subgroups they are. */
    static final Target TOTALS = Target.lockstep(32, 8192, false, 256, 32 << 10, 0, 256, List.of());

    static final List<Target> ALL = List.of(AVX512, AVX2, SVE, NEON, LOCKSTEP, SUBGROUPS, TOTALS);

    private Targets() {}

    static Target lockstep(int subgroup) {
        return Target.lockstep(18, 16, false, 0, 0, subgroup, subgroup, List.of());
    }
}
