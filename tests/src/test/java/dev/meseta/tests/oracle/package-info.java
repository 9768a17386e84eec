/**
 * Random models of one operator each, compared with ONNX Runtime. Begin with {@link dev.meseta.tests.oracle.Catalogue}: the rows say
 * which operators there are, and how to draw a case of each from its specification.
 */
package dev.meseta.tests.oracle;
