package dev.meseta.drivers.vulkan;

import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;

/** Objects of a device that are destroyed together, the last first. Thread-safe. */
final class Handles implements AutoCloseable {
    private static final Cleaner CLEANER =
            Cleaner.create(Thread.ofPlatform().daemon().name("meseta-vulkan").factory());

    private final Context c;
    private final List<Runnable> all = new ArrayList<>();

    Handles(Context c) {
        this.c = c;
    }

    /** Those of an owner, destroyed at the latest when nobody reaches that any more, though it may not be finished. */
    static Handles of(Context c, Object owner) {
        Handles handles = new Handles(c);
        CLEANER.register(owner, handles::close);
        return handles;
    }

    /** Makes one, as {@link Context#create}. */
    long create(String kind, String fields, Object... values) {
        return add("vkDestroy" + kind, c.create(kind, fields, values));
    }

    /** Adds one, by the function that destroys it. */
    synchronized long add(String destroy, long handle) {
        all.add(() -> c.vk.call(destroy, c.device, handle, 0));
        return handle;
    }

    /** Destroys them; nothing may use them any more. */
    @Override
    public synchronized void close() {
        all.reversed().forEach(Runnable::run);
        all.clear();
    }
}
