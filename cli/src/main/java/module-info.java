/** Command line. */
module dev.meseta.cli {
    opens dev.meseta.cli to
            info.picocli;

    requires dev.meseta;
    requires dev.meseta.conformance;
    requires dev.meseta.demo;
    requires info.picocli;
    requires static org.jspecify;
}
