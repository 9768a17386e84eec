package dev.meseta.runtime.trace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads one message in the wire format of protocol buffers. Fails on anything that is not well-formed. */
final class PacketReader {
    private record Field(int number, long value, byte[] bytes) {}

    private final List<Field> fields = new ArrayList<>();

    PacketReader(byte[] message) {
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        while (in.hasRemaining()) {
            long tag = varint(in);
            int number = Math.toIntExact(tag >>> 3);
            if (number == 0) throw new IllegalArgumentException("a field without a number");
            switch ((int) (tag & 7)) {
                case 0 -> fields.add(new Field(number, varint(in), new byte[0]));
                case 1 -> fields.add(new Field(number, in.getLong(), new byte[0]));
                case 2 -> {
                    byte[] content = new byte[Math.toIntExact(varint(in))];
                    in.get(content);
                    fields.add(new Field(number, 0, content));
                }
                default -> throw new IllegalArgumentException("a field of wire type " + (tag & 7));
            }
        }
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte b = in.get();
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) return value;
        }
        throw new IllegalArgumentException("a number of more than ten bytes");
    }

    boolean has(int number) {
        return fields.stream().anyMatch(f -> f.number() == number);
    }

    private Field only(int number) {
        List<Field> all = fields.stream().filter(f -> f.number() == number).toList();
        if (all.size() != 1)
            throw new IllegalArgumentException("field " + number + " is there " + all.size() + " times");
        return all.getFirst();
    }

    long number(int number) {
        return only(number).value();
    }

    String text(int number) {
        return new String(only(number).bytes(), StandardCharsets.UTF_8);
    }

    PacketReader message(int number) {
        return new PacketReader(only(number).bytes());
    }

    List<PacketReader> messages(int number) {
        return fields.stream()
                .filter(f -> f.number() == number)
                .map(f -> new PacketReader(f.bytes()))
                .toList();
    }
}
