package dev.meseta.runtime.trace;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes one message in the wire format of protocol buffers: fields, in the order of the calls. Used by one thread. */
final class ProtoWriter {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private void raw(long value) {
        long v = value;
        while ((v & ~0x7fL) != 0) {
            out.write((int) (v & 0x7f) | 0x80);
            v >>>= 7;
        }
        out.write((int) v);
    }

    private void tag(int field, int type) {
        raw((long) field << 3 | type);
    }

    /** A number that takes as many bytes as it needs; ten for one below zero. */
    ProtoWriter number(int field, long value) {
        tag(field, VARINT);
        raw(value);
        return this;
    }

    /** A number of eight bytes. */
    ProtoWriter fixed(int field, long value) {
        tag(field, FIXED64);
        for (int i = 0; i < 64; i += 8) out.write((int) (value >>> i));
        return this;
    }

    ProtoWriter text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    ProtoWriter message(int field, ProtoWriter message) {
        return bytes(field, message.out.toByteArray());
    }

    private ProtoWriter bytes(int field, byte[] content) {
        tag(field, BYTES);
        raw(content.length);
        out.writeBytes(content);
        return this;
    }

    byte[] toBytes() {
        return out.toByteArray();
    }
}
