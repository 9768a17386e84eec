package dev.meseta.driver;

import java.util.Set;

/** Names of what a driver or the stack may have or lack. */
public final class Feature {
    /** Driver: outputs are what the graph says. Without it a device is for tests, and is never chosen by itself. */
    public static final String RESULTS = "results";

    /** Driver: buffers can be exported to and imported from other processes, by file descriptor. */
    public static final String SHARING = "sharing";

    /** Stack: {@link Device#beginAccess} and {@link Device#endAccess} are called around every access of the host. */
    public static final String HOST_ACCESS = "host-access";

    /** Stack: {@link Device#progress} is asked before a job is given up. */
    public static final String PROGRESS = "progress";

    /** What this stack has. */
    public static final Set<String> STACK = Set.of(HOST_ACCESS, PROGRESS);

    private Feature() {}
}
