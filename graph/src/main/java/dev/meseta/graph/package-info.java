/**
 * The op set: element types, shapes, tensors, operations with their specification, graphs and the builder that checks them. Depends on
 * nothing else of Meseta. Begin with {@link dev.meseta.graph.Op}, {@link dev.meseta.graph.OpSpec} and
 * {@link dev.meseta.graph.GraphBuilder}.
 */
@NullMarked
package dev.meseta.graph;

import org.jspecify.annotations.NullMarked;
