package dev.meseta.conformance.driver;

import dev.meseta.driver.DeviceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Collects the cases of a chapter, and says what must hold in them. */
final class Chapter {
    private final String name;
    private final List<DriverCase> cases = new ArrayList<>();

    Chapter(String name) {
        this.name = name;
    }

    Chapter add(String what, DriverCase.Body body) {
        cases.add(new DriverCase(name, what, body));
        return this;
    }

    List<DriverCase> cases() {
        return List.copyOf(cases);
    }

    static void that(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static void same(@Nullable Object expected, @Nullable Object actual, String what) {
        if (!Objects.equals(expected, actual))
            throw new AssertionError(what + ": expected " + expected + ", got " + actual);
    }

    /** Something that may throw. */
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    /** Runs what must throw an exception of a type. */
    static <T extends Throwable> T throwing(Class<T> type, Work work) {
        try {
            work.run();
        } catch (Throwable e) {
            if (type.isInstance(e)) return type.cast(e);
            throw new AssertionError("expected " + type.getSimpleName() + ", got " + e, e);
        }
        throw new AssertionError("expected " + type.getSimpleName() + ", and nothing was thrown");
    }

    /** Runs what must throw a {@link DeviceException} of a kind, with a message. */
    static DeviceException throwing(DeviceException.Kind kind, Work work) {
        DeviceException e = throwing(DeviceException.class, work);
        same(kind, e.kind(), "kind of failure (" + e.getMessage() + ")");
        that(e.getMessage() != null && !e.getMessage().isBlank(), "a failure says what happened");
        return e;
    }
}
