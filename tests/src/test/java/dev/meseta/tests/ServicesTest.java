package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * What a module provides as a service must be found on the class path as well, because the launcher starts from it: each
 * {@code provides} needs its file in {@code META-INF/services}, and the other way round.
 */
final class ServicesTest {
    private static final String PREFIX = "META-INF/services/";

    @Test
    void modulesAndServiceFilesNameTheSameProviders() throws IOException {
        int modules = 0;
        for (URL url : Collections.list(getClass().getClassLoader().getResources("module-info.class"))) {
            ModuleDescriptor module;
            try (InputStream in = url.openStream()) {
                module = ModuleDescriptor.read(in);
            }
            if (!module.name().startsWith("dev.meseta")) {
                continue;
            }
            modules++;
            String base = url.toString().replaceAll("module-info\\.class$", "");
            for (ModuleDescriptor.Provides provides : module.provides()) {
                URL file = URI.create(base + PREFIX + provides.service()).toURL();
                assertEquals(
                        new TreeSet<>(provides.providers()),
                        new TreeSet<>(providers(file)),
                        module.name() + ": " + PREFIX + provides.service());
            }
        }
        assertTrue(modules >= 14, "only " + modules + " of Meseta's modules are on the class path");
    }

    private static List<String> providers(URL file) throws IOException {
        List<String> names = new ArrayList<>();
        try (InputStream in = file.openStream()) {
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.replaceAll("#.*", "").strip())
                    .filter(name -> !name.isEmpty())
                    .forEach(names::add);
        } catch (FileNotFoundException _) {
            return List.of();
        }
        return names;
    }
}
