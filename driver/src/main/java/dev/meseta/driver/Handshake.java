package dev.meseta.driver;

import java.util.Set;

/**
 * What a driver says of itself before anything else is asked of it.
 *
 * @param major {@link Contract#MAJOR} that the driver was compiled against
 * @param minor {@link Contract#MINOR} that the driver was compiled against
 * @param layouts {@link Contract#LAYOUTS} that the driver was compiled against
 * @param requires features of the stack without which it cannot work; one that the stack does not know refuses the driver
 * @param offers features of {@link Feature} that it has; those that the stack does not know are left alone
 * @param reserved 0
 */
public record Handshake(int major, int minor, long layouts, Set<String> requires, Set<String> offers, long reserved) {
    public Handshake {
        requires = Set.copyOf(requires);
        offers = Set.copyOf(offers);
    }

    /** Whether the driver has a feature. */
    public boolean has(String feature) {
        return offers.contains(feature);
    }
}
