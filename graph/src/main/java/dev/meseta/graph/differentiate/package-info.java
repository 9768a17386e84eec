/**
 * Derivatives of graphs in reverse mode: from a graph to the nodes that compute the gradient of one of its outputs. Rules over the op
 * set, one class a chapter of it; nothing here knows where a graph comes from or what runs it. Begin with
 * {@link dev.meseta.graph.differentiate.Gradients}.
 */
@NullMarked
package dev.meseta.graph.differentiate;

import org.jspecify.annotations.NullMarked;
