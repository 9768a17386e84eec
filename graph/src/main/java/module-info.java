/** The op set, its specification, graphs and programs. */
module dev.meseta.graph {
    requires static org.jspecify;

    exports dev.meseta.graph;
    exports dev.meseta.graph.differentiate;
    exports dev.meseta.graph.interpreter;
    exports dev.meseta.graph.program;
    exports dev.meseta.graph.quantized;
}
