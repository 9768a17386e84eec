package dev.meseta.tests;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Holds the map of the modules: who may know whom.
 *
 * <p>{@link #MAP} is the map. A package that is not in it belongs to no module, and a module that depends on one its entry
 * does not name points up or sideways.
 */
final class MapTest {
    /** For each package of a module, the packages of Meseta's that it may use; the names are below {@code dev.meseta}. */
    private static final Map<String, Set<String>> MAP = Map.ofEntries(
            Map.entry("graph", Set.of()),
            Map.entry("linux", Set.of()),
            Map.entry("frontends.onnx", Set.of("graph")),
            Map.entry("frontends.tflite", Set.of("graph")),
            Map.entry("compiler.kernel", Set.of("graph")),
            Map.entry("machine", Set.of("graph", "compiler.kernel")),
            Map.entry("compiler.llvm", Set.of("graph", "compiler.kernel", "machine")),
            Map.entry("compiler.spirv", Set.of("graph", "compiler.kernel")),
            Map.entry("driver", Set.of("graph", "compiler.kernel", "linux")),
            Map.entry("compiler", Set.of("graph", "compiler.kernel", "driver", "linux", "runtime")),
            Map.entry("drivers.ethosu", Set.of("graph", "driver", "linux")),
            Map.entry("drivers.nothing", Set.of("graph", "driver")),
            Map.entry("drivers.mock", Set.of("graph", "driver")),
            Map.entry("drivers.reference", Set.of("graph", "compiler.kernel", "driver")),
            Map.entry("drivers.vulkan", Set.of("graph", "compiler.kernel", "compiler.spirv", "driver", "linux")),
            Map.entry("drivers.cpu", Set.of("graph", "compiler.kernel", "compiler.llvm", "driver", "linux", "machine")),
            Map.entry("runtime", Set.of("graph", "compiler.kernel", "driver", "linux")),
            Map.entry("files", Set.of("graph")),
            Map.entry(
                    "",
                    Set.of(
                            "files",
                            "graph",
                            "frontends.onnx",
                            "frontends.tflite",
                            "compiler",
                            "compiler.kernel",
                            "driver",
                            "linux",
                            "runtime")),
            Map.entry(
                    "conformance",
                    Set.of("", "files", "graph", "frontends.onnx", "compiler", "driver", "drivers.mock", "runtime")),
            Map.entry("demo", Set.of("", "files", "graph", "driver")),
            Map.entry(
                    "cli",
                    Set.of(
                            "",
                            "files",
                            "graph",
                            "frontends.onnx",
                            "frontends.tflite",
                            "compiler",
                            "driver",
                            "runtime",
                            "conformance",
                            "demo")));

    private static final String ROOT = "dev.meseta";
    private static final String[] PRINTERS = {"dev.meseta.cli..", "dev.meseta.demo.."};

    private static final JavaClasses OURS = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("/test-classes/"))
            .importPackages(ROOT);

    /** The module that a package belongs to: the longest entry of the map that it is, or lies below; else null. */
    private static String moduleOf(String packageName) {
        if (packageName.equals(ROOT)) {
            return "";
        }
        if (!packageName.startsWith(ROOT + ".")) {
            return null;
        }
        String name = packageName.substring(ROOT.length() + 1);
        return MAP.keySet().stream()
                .filter(module -> !module.isEmpty() && (name.equals(module) || name.startsWith(module + ".")))
                .max((a, b) -> Integer.compare(a.length(), b.length()))
                .orElse(null);
    }

    @Test
    void everyModuleOfTheMapIsLookedAt() {
        Set<String> seen = OURS.stream()
                .map(type -> moduleOf(type.getPackageName()))
                .filter(module -> module != null)
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(new TreeSet<>(MAP.keySet()), seen);
    }

    @Test
    void everyClassBelongsToAModuleOfTheMap() {
        List<String> strangers = OURS.stream()
                .filter(type -> moduleOf(type.getPackageName()) == null)
                .map(JavaClass::getName)
                .toList();
        assertEquals(List.of(), strangers);
    }

    @Test
    void noModulePointsUpOrSideways() {
        Map<String, Set<String>> broken = new TreeMap<>();
        for (JavaClass type : OURS) {
            String from = moduleOf(type.getPackageName());
            type.getDirectDependenciesFromSelf().forEach(dependency -> {
                String to = moduleOf(
                        dependency.getTargetClass().getBaseComponentType().getPackageName());
                if (from != null
                        && to != null
                        && !from.equals(to)
                        && !MAP.get(from).contains(to)) {
                    broken.computeIfAbsent(from + " -> " + to, _ -> new TreeSet<>())
                            .add(dependency.getDescription());
                }
            });
        }
        assertEquals(Map.of(), broken, "a module uses one that the map does not give it");
    }

    /** The map itself must be a map: no circle, and the rules that the design states in words. */
    @Test
    void theMapHasNoCircleAndKeepsItsPromises() {
        for (String module : MAP.keySet()) {
            assertFalse(reachable(module).contains(module), () -> "a circle through " + module);
        }
        for (String module : MAP.keySet()) {
            Set<String> below = reachable(module);
            if (module.startsWith("frontends.")) {
                assertEquals(Set.of("graph"), below, "a frontend knows graphs alone");
            }
            if (module.startsWith("drivers.")) {
                assertFalse(
                        below.stream().anyMatch(name -> name.startsWith("frontends.")),
                        "a driver knows no file format");
            }
            assertFalse(MAP.get(module).contains("cli"), "nothing depends on the command line");
            assertFalse(
                    MAP.get(module).stream()
                            .anyMatch(name -> name.startsWith("drivers.") && !name.equals("drivers.mock")),
                    "a driver is found as a service, and named by nobody but the suite that tells one to misbehave");
        }
    }

    private static Set<String> reachable(String module) {
        Set<String> found = new TreeSet<>();
        List<String> open = new ArrayList<>(MAP.get(module));
        while (!open.isEmpty()) {
            String next = open.removeLast();
            if (found.add(next)) {
                open.addAll(MAP.get(next));
            }
        }
        return found;
    }

    @TestFactory
    Stream<DynamicTest> habits() {
        DescribedPredicate<JavaClass> generated = DescribedPredicate.describe(
                "generated from protobuf",
                type -> type.isAssignableTo("com.google.protobuf.GeneratedMessage")
                        || type.getAllRawInterfaces().stream()
                                .anyMatch(one -> one.getName().startsWith("com.google.protobuf.")));
        Map<String, ArchRule> rules = new TreeMap<>(Map.of(
                "protobuf stays in the frontends",
                noClasses()
                        .that()
                        .resideOutsideOfPackages(
                                "dev.meseta.frontends..", "dev.meseta.conformance..", "dev.meseta.cli..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("com.google.protobuf.."),
                "native code is called by the LLVM backend, the loader of machine code, the operating system and drivers alone",
                noClasses()
                        .that()
                        .resideOutsideOfPackages(
                                "dev.meseta.compiler.llvm..",
                                "dev.meseta.machine..",
                                "dev.meseta.linux..",
                                "dev.meseta.drivers..")
                        .should()
                        .dependOnClassesThat()
                        .haveFullyQualifiedName("java.lang.foreign.Linker"),
                "libraries print nothing",
                noClasses()
                        .that(DescribedPredicate.not(resideInAnyPackage(PRINTERS)))
                        .and()
                        // What MESETA_DEBUG asks for goes to stderr, through these classes alone.
                        .doNotHaveSimpleName("Debug")
                        .should()
                        .accessField(System.class, "out")
                        .orShould()
                        .accessField(System.class, "err")
                        .orShould()
                        .callMethod(Throwable.class, "printStackTrace"),
                "no reflection",
                noClasses()
                        .that(DescribedPredicate.not(generated))
                        .should()
                        .dependOnClassesThat(resideInAPackage("java.lang.reflect")
                                // Arrays.newInstance is what toArray of a generic collection compiles to.
                                .and(DescribedPredicate.not(DescribedPredicate.describe(
                                        "Array", type -> type.getName().equals("java.lang.reflect.Array")))))
                        .orShould()
                        .callMethod(Class.class, "forName", String.class),
                "only the command line ends the process",
                noClasses()
                        .that()
                        .resideOutsideOfPackage("dev.meseta.cli..")
                        .should()
                        .callMethod(System.class, "exit", int.class),
                "log through System.Logger",
                noClasses().should().dependOnClassesThat().resideInAnyPackage("java.util.logging..", "org.slf4j.."),
                "no Unsafe",
                noClasses().should().dependOnClassesThat().resideInAnyPackage("sun.misc..", "jdk.internal.."),
                "exceptions of Meseta's own are unchecked",
                classes()
                        .that()
                        .areAssignableTo(Exception.class)
                        .should()
                        .beAssignableTo(RuntimeException.class)
                        .allowEmptyShould(true)));
        return rules.entrySet().stream()
                .map(rule -> DynamicTest.dynamicTest(
                        rule.getKey(), () -> rule.getValue().check(OURS)));
    }
}
