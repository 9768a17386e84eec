package dev.meseta.driver;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The version of the contract that this code is. A driver states the same constants in its {@link Handshake}; because they are constants,
 * the driver's class file holds those of the contract that it was <em>compiled</em> against.
 *
 * <p>Within a major version the contract only grows: a later minor one adds, and changes nothing that is there.
 */
public final class Contract {
    public static final int MAJOR = 1;
    public static final int MINOR = 0;

    /** A hash of the layout of all that crosses between a driver and the stack: records and their components, structures in files. */
    public static final long LAYOUTS = 0x226176b51b4b22f3L;

    /** The layouts of each minor version of this major one. */
    private static final Map<Integer, Long> HISTORY = Map.of(0, LAYOUTS);

    private Contract() {}

    /** Why a driver with this handshake cannot be used; empty if it can. */
    public static String refuses(Handshake h) {
        return refuses(h, MAJOR, MINOR, HISTORY);
    }

    static String refuses(Handshake h, int major, int minor, Map<Integer, Long> history) {
        String versions = "it was built for version " + h.major() + "." + h.minor()
                + " of the driver contract, this is " + major + "." + minor;
        if (h.major() != major) return versions + "; use a driver and a stack of one major version";
        if (h.minor() < 0) return versions;
        if (h.reserved() != 0) return "a reserved field of its handshake is " + h.reserved() + ", and must be 0";
        Set<String> unknown = new TreeSet<>(h.requires());
        unknown.removeAll(Feature.STACK);
        if (!unknown.isEmpty()) return "it requires what this stack does not have: " + String.join(", ", unknown);
        Long layouts = history.get(h.minor());
        // A newer driver's layouts are not known here; what it needs beyond this version it must require.
        if (layouts != null && layouts != h.layouts())
            return versions + ", but with other layouts (" + Long.toHexString(h.layouts()) + ", expected "
                    + Long.toHexString(layouts) + "): it was built against a changed copy";
        return "";
    }
}
