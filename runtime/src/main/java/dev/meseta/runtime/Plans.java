package dev.meseta.runtime;

import org.jspecify.annotations.Nullable;

/** Plans of one model on one device that are there before it is read: kept from an earlier run, or in a package. Thread-safe. */
interface Plans {
    /**
     * The plan of a name; null if there is none and it is to be made.
     *
     * @param name the types of the inputs, and the contents that shapes depend on
     */
    @Nullable
    Compiled find(String name);

    /** Takes a plan that was made. The answer is what is to be used. */
    Compiled keep(String name, Compiled made);
}
