/**
 * TFLite models against TFLite's own reference kernels, which run in a process of their own since they can crash. Begin with
 * {@link dev.meseta.tests.tflite.TflitePeer}; models of one operator are written by {@link dev.meseta.tests.tflite.OneOperator}.
 */
package dev.meseta.tests.tflite;
