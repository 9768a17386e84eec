package dev.meseta.runtime;

import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Image;
import org.jspecify.annotations.Nullable;

/**
 * What makes images ready to run. Immutable.
 *
 * @param device where they run
 * @param rest where that is a device for parts of graphs: what runs the rest of them; null where nothing is left
 */
public record Loader(Device device, @Nullable Device rest) {
    /** A device alone. */
    public static Loader of(Device device) {
        return new Loader(device, null);
    }

    /** All that images depend on beside what was compiled. */
    String identity() {
        return rest == null ? device.identity() : device.identity() + "\n" + rest.identity();
    }

    /** Throws {@link IllegalArgumentException} or {@link dev.meseta.graph.MesetaException} for an image that cannot be one of these devices'. */
    Executable load(Image image) {
        boolean divided = device instanceof GraphDevice g && g.isPartial();
        return divided ? SegmentedForm.load(image, this) : device.load(image);
    }
}
