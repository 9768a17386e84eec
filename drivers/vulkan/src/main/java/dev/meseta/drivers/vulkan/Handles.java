package dev.meseta.drivers.vulkan;

import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;

/** Objects of a device that are destroyed together, the last first. Thread-safe. */
final class Handles implements AutoCloseable {
    private static final Cleaner CLEANER =
            Cleaner.create(Thread.ofPlatform().daemon().name("meseta-vulkan").factory());

    private final Context c;
    private final List<Handle> all = new ArrayList<>();

    private record Handle(String destroy, long handle) {}

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
        all.add(new Handle(destroy, handle));
        return handle;
    }

    /** Destroys them; nothing may use them any more. */
    @Override
    public synchronized void close() {
        for (Handle h : all.reversed()) c.vk.call(h.destroy, c.device, h.handle, 0);
        all.clear();
    }
}
