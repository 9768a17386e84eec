package dev.meseta.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ContractTest {
    /** All data that crosses between a driver and the stack. (Methods are linked by their names and types.) */
    private static final List<Class<?>> CROSSING = List.of(
            Access.class,
            Allocation.class,
            CommandList.class,
            CommandList.InputSlot.class,
            CommandList.OutputSlot.class,
            CommandList.ConstantSlot.class,
            CommandList.TemporarySlot.class,
            CommandList.Output.class,
            CommandList.Launch.class,
            CommandList.Copy.class,
            CommandList.Repeat.class,
            CommandList.Conditional.class,
            CommandList.RepeatWhile.class,
            CommandList.Binding.class,
            Handshake.class,
            Image.class,
            Limits.class,
            Region.class,
            Stop.class,
            Target.class);

    private static String layouts() {
        StringBuilder text = new StringBuilder();
        for (Class<?> c : CROSSING) {
            text.append(c.getName()).append('\n');
            if (c.isRecord()) {
                for (RecordComponent r : c.getRecordComponents())
                    text.append("  ")
                            .append(r.getGenericType().getTypeName())
                            .append(' ')
                            .append(r.getName())
                            .append('\n');
            } else {
                for (Object o : c.getEnumConstants())
                    text.append("  ").append(o).append('\n');
            }
        }
        return text.toString();
    }

    @Test
    void theHashIsThatOfTheLayouts() throws Exception {
        String text = layouts();
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        long hash = ByteBuffer.wrap(digest).getLong();
        assertEquals(
                hash,
                Contract.LAYOUTS,
                () -> "what crosses between a driver and the stack has changed; if version " + Contract.MAJOR + "."
                        + Contract.MINOR + " has been released this asks for a new minor version. Contract.LAYOUTS = 0x"
                        + Long.toHexString(hash) + "L\n" + text);
    }

    private static Handshake handshake(int major, int minor, long layouts) {
        return new Handshake(major, minor, layouts, Set.of(), Set.of(), 0);
    }

    private static String refusal(Handshake h) {
        return Contract.refuses(h, 1, 2, Map.of(0, 10L, 1, 11L, 2, 12L));
    }

    @Test
    void driversOfThisAndOlderMinorVersionsAreTaken() {
        assertEquals("", refusal(handshake(1, 0, 10)));
        assertEquals("", refusal(handshake(1, 1, 11)));
        assertEquals("", refusal(handshake(1, 2, 12)));
    }

    @Test
    void aNewerMinorVersionIsTakenUnlessItRequiresWhatIsUnknown() {
        assertEquals("", refusal(handshake(1, 3, 99)));
        Handshake h = new Handshake(1, 3, 99, Set.of("teleport", Feature.PROGRESS, "antigravity"), Set.of("x"), 0);
        assertTrue(refusal(h).contains("antigravity, teleport"), refusal(h));
    }

    @Test
    void anotherMajorVersionIsRefused() {
        String reason = refusal(handshake(2, 0, 10));
        assertTrue(reason.contains("2.0") && reason.contains("1.2"), reason);
        assertTrue(!refusal(handshake(0, 0, 10)).isEmpty());
        assertTrue(!refusal(handshake(1, -1, 10)).isEmpty());
    }

    @Test
    void otherLayoutsAreRefused() {
        String reason = refusal(handshake(1, 1, 12));
        assertTrue(reason.contains("layouts (c, expected b)"), reason);
    }

    @Test
    void reservedFieldsMustBeZero() {
        String reason = refusal(new Handshake(1, 2, 12, Set.of(), Set.of(), 1));
        assertTrue(reason.contains("reserved"), reason);
    }

    @Test
    void whatADriverOffersIsItsOwnBusiness() {
        assertEquals("", refusal(new Handshake(1, 2, 12, Feature.STACK, Set.of("never heard of"), 0)));
    }
}
