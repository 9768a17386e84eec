package dev.meseta.graph;

import java.nio.file.Path;
import java.util.Optional;

/** Where a user's files that can be made again are kept: {@code $XDG_CACHE_HOME/meseta} or {@code ~/.cache/meseta}. */
public final class CacheFolder {
    private CacheFolder() {}

    /** The folder, which need not exist. */
    public static Path path() {
        String xdg = System.getenv().getOrDefault("XDG_CACHE_HOME", "");
        Path base = xdg.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
        return base.resolve("meseta");
    }

    /**
     * The folder for what was compiled and tuned: the property {@code meseta.cache} or the variable MESETA_CACHE names another one, or is
     * {@code off}, and then there is none.
     */
    public static Optional<Path> configured() {
        String named = System.getProperty("meseta.cache", System.getenv().getOrDefault("MESETA_CACHE", ""));
        if (named.equals("off")) return Optional.empty();
        return Optional.of(named.isBlank() ? path() : Path.of(named));
    }
}
