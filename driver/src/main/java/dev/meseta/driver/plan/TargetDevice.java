package dev.meseta.driver.plan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Loading;
import dev.meseta.driver.Target;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A device that need not be here: it compiles, and runs nothing. Thread-safe.
 *
 * @param begin begins to compile a command list; its executables need only have an image
 */
public record TargetDevice(
        String name,
        String description,
        Map<String, String> properties,
        Target target,
        String requirements,
        Supplier<Loading> begin)
        implements KernelDevice {
    @Override
    public String identity() {
        return name + "\n" + requirements;
    }

    @Override
    public Executable load(Image image) {
        throw new IllegalArgumentException(name + " compiles, and loads nothing");
    }

    @Override
    public Loading loading() {
        return begin.get();
    }

    @Override
    public Executable load(CommandList commands) {
        return loading().load(commands);
    }
}
