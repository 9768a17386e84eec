/** Real models on a user's own files. */
module dev.meseta.demo {
    requires transitive dev.meseta;
    requires transitive java.desktop;
    requires ai.djl.tokenizers;
    requires static org.jspecify;

    exports dev.meseta.demo;
}
