package dev.meseta.compiler.llvm;

import java.nio.file.Path;

/** Where a user's files that can be made again are kept: {@code $XDG_CACHE_HOME/meseta} or {@code ~/.cache/meseta}. */
public final class CacheFolder {
    private CacheFolder() {}

    /** The folder, which need not exist. */
    public static Path path() {
        String xdg = System.getenv().getOrDefault("XDG_CACHE_HOME", "");
        Path base = xdg.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
        return base.resolve("meseta");
    }
}
