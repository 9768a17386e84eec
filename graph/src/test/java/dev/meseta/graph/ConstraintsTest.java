package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each numbered constraint of the specification has a graph that breaks it and sees its number cited. */
class ConstraintsTest {
    private static final String CONVOLUTION =
            "convolution %0, %1 {strides=[1],low=[0],high=[0],input_dilation=[1],kernel_dilation=[1],groups=1}";

    /** The constraint, the types of the operands, the op. */
    private static final List<String> CASES = List.of(
            "iota C1 | | iota {axis=1} : i64[4]",
            "iota C2 | | iota {axis=0} : bool[4]",
            "random_bits C1 | i64[] | random_bits %0 : u32[4]",
            "random_bits C0 | | random_bits : u32[4]",
            "map C1 | f32[2] | map.add %0 : f32[2]",
            "map C2 | f32[2], f32[1] | map.add %0, %1 : f32[2]",
            "map C3 | f32[2], f16[2] | map.add %0, %1 : f32[2]",
            "map C3 | f32[2], f32[2], f32[2] | map.select %0, %1, %2 : f32[2]",
            "map C4 | i32[2] | map.exp %0 : i32[2]",
            "map C4 | f8e5m2[2], f8e5m2[2] | map.add %0, %1 : f8e5m2[2]",
            "cast C1 | c64[2] | cast.wrap %0 : f32[2]",
            "cast C1 | f32[2] | cast.wrap %0 : c128[2]",
            "bitcast C1 | f32[2] | bitcast %0 : i64[2]",
            "quantize C1 | i64[2], f32[], u8[] | quantize %0, %1, %2 {axis=0} : u8[2]",
            "quantize C2 | f32[2], f32[], i8[] | quantize %0, %1, %2 {axis=0} : u8[2]",
            "quantize C3 | f32[2], f32[3], u8[3] | quantize %0, %1, %2 {axis=0} : u8[2]",
            "dequantize C1 | u8[2], f32[], u8[] | dequantize %0, %1, %2 {axis=0} : f8e5m2[2]",
            "dequantize C2 | u8[2], f32[], i8[] | dequantize %0, %1, %2 {axis=0} : f32[2]",
            "dequantize C3 | u8[2,3], f32[2], u8[2] | dequantize %0, %1, %2 {axis=1} : f32[2,3]",
            "reshape C1 | f32[2,3] | reshape %0 : f32[5]",
            "transpose C1 | f32[2,3] | transpose %0 {permutation=[0,0]} : f32[2,2]",
            "transpose C1 | f32[2,3] | transpose %0 {permutation=[1]} : f32[3]",
            "broadcast C1 | f32[3] | broadcast %0 : f32[2,3]",
            "broadcast C2 | f32[2,3] | broadcast %0 : f32[4,3]",
            "slice C1 | f32[2,3] | slice %0 {starts=[0],steps=[1]} : f32[2]",
            "slice C2 | f32[3] | slice %0 {starts=[0],steps=[0]} : f32[1]",
            "slice C3 | f32[3] | slice %0 {starts=[1],steps=[1]} : f32[3]",
            "slice C3 | f32[3] | slice %0 {starts=[1],steps=[-1]} : f32[3]",
            "pad C1 | f32[3], f32[] | pad %0, %1 {low=[],high=[1]} : f32[4]",
            "pad C2 | f32[3], f32[] | pad %0, %1 {low=[-1],high=[1]} : f32[3]",
            "pad C3 | f32[3], f16[] | pad %0, %1 {low=[0],high=[1]} : f32[4]",
            "concat C1 | | concat {axis=0} : f32[4]",
            "concat C2 | f32[3] | concat %0 {axis=1} : f32[3]",
            "concat C3 | f32[1,3], f32[1,4] | concat %0, %1 {axis=0} : f32[2,3]",
            "concat C3 | f32[1,3], f16[1,3] | concat %0, %1 {axis=0} : f32[2,3]",
            "reduce C1 | f32[2,3] | reduce.sum %0 {axes=[1,0]} : f32[]",
            "reduce C1 | f32[2,3] | reduce.sum %0 {axes=[2]} : f32[2]",
            "reduce C2 | f32[2] | reduce.and %0 {axes=[0]} : f32[]",
            "reduce C2 | bool[2] | reduce.sum %0 {axes=[0]} : bool[]",
            "arg_reduce C1 | f32[2,0] | arg_reduce.max %0 {axis=1} : i64[2]",
            "arg_reduce C2 | bool[2] | arg_reduce.max %0 {axis=0} : i64[]",
            "window_reduce C1 | f32[4] | window_reduce.max %0 {window=[2],strides=[0],dilations=[1],low=[0],high=[0]} : f32[3]",
            "window_reduce C1 | f32[4] | window_reduce.max %0 {window=[2],strides=[],dilations=[1],low=[0],high=[0]} : f32[3]",
            "window_reduce C2 | f32[4] | window_reduce.max %0 {window=[3],strides=[1],dilations=[2],low=[0],high=[0]} : f32[1]",
            "window_reduce C3 | f32[4] | window_reduce.or %0 {window=[2],strides=[1],dilations=[1],low=[0],high=[0]} : f32[3]",
            "cumulative C1 | f32[4] | cumulative.sum %0 {axis=-1} : f32[4]",
            "cumulative C2 | f32[4] | cumulative.and %0 {axis=0} : f32[4]",
            "top_k C1 | f32[] | top_k %0 {axis=0,largest=true} : f32[1], i64[1]",
            "top_k C2 | f32[4] | top_k %0 {axis=0,largest=true} : f32[5], i64[5]",
            "top_k C3 | bool[4] | top_k %0 {axis=0,largest=true} : bool[2], i64[2]",
            "contraction C1 | f32[2,3], f32[3,4] | contraction %0, %1 {left_batch=[],right_batch=[],left_sum=[1],right_sum=[]} : f32[2,4]",
            "contraction C1 | f32[2,2], f32[2,2] | contraction %0, %1 {left_batch=[0],right_batch=[0],left_sum=[0],right_sum=[1]} : f32[2]",
            "contraction C2 | f32[2,3], f32[4,5] | contraction %0, %1 {left_batch=[],right_batch=[],left_sum=[1],right_sum=[0]} : f32[2,5]",
            "contraction C2 | f32[2,3], f32[3,3] | contraction %0, %1 {left_batch=[0],right_batch=[0],left_sum=[1],right_sum=[1]} : f32[2]",
            "contraction C3 | f32[2], f16[2] | contraction %0, %1 {left_batch=[],right_batch=[],left_sum=[0],right_sum=[0]} : f32[]",
            "contraction C3 | i8[2], i8[2] | contraction %0, %1 {left_batch=[],right_batch=[],left_sum=[0],right_sum=[0]} : i16[]",
            "convolution C1 | f32[1,1,4,4], f32[1,1,2,2] | " + CONVOLUTION + " : f32[1,1,3,3]",
            "convolution C1 | f32[1], f32[1] | " + CONVOLUTION + " : f32[1]",
            "convolution C2 | f32[1,2,4], f32[1,1,2] | " + CONVOLUTION + " : f32[1,1,3]",
            "convolution C3 | f32[1,1,4], f32[1,1,2] | " + CONVOLUTION.replace("strides=[1]", "strides=[0]")
                    + " : f32[1,1,3]",
            "convolution C3 | f32[1,1,4], f32[1,1,0] | " + CONVOLUTION + " : f32[1,1,5]",
            "convolution C4 | f32[1,1,4], f32[1,1,5] | " + CONVOLUTION + " : f32[1,1,0]",
            "convolution C5 | f32[1,1,4], f16[1,1,2] | " + CONVOLUTION + " : f32[1,1,3]",
            "gather C1 | f32[3], i64[2] | gather %0, %1 {axis=1} : f32[2]",
            "gather C2 | f32[3], u8[2] | gather %0, %1 {axis=0} : f32[2]",
            "gather_elements C1 | f32[3], i64[2] | gather_elements %0, %1 {axis=1} : f32[2]",
            "gather_elements C2 | f32[3,2], i64[3] | gather_elements %0, %1 {axis=0} : f32[3]",
            "gather_elements C2 | f32[3,2], i64[3,3] | gather_elements %0, %1 {axis=0} : f32[3,3]",
            "gather_nd C1 | f32[3], i64[] | gather_nd %0, %1 {batch=0} : f32[]",
            "gather_nd C1 | f32[3,2], i64[2,1] | gather_nd %0, %1 {batch=1} : f32[2]",
            "gather_nd C2 | f32[3], i64[2,2] | gather_nd %0, %1 {batch=0} : f32[2]",
            "scatter_elements C1 | f32[3], i64[2], f32[2] | scatter_elements.set %0, %1, %2 {axis=2} : f32[3]",
            "scatter_elements C2 | f32[3], f32[2], f32[2] | scatter_elements.set %0, %1, %2 {axis=0} : f32[3]",
            "scatter_elements C3 | f32[3], i64[2], f32[1] | scatter_elements.set %0, %1, %2 {axis=0} : f32[3]",
            "scatter_elements C4 | bool[3], i64[2], bool[2] | scatter_elements.add %0, %1, %2 {axis=0} : bool[3]",
            "scatter_nd C1 | f32[3], i64[2,2], f32[2] | scatter_nd.set %0, %1, %2 : f32[3]",
            "scatter_nd C2 | f32[3], i64[2,1], f32[3] | scatter_nd.set %0, %1, %2 : f32[3]",
            "scatter_nd C3 | bool[3], i64[2,1], bool[2] | scatter_nd.max %0, %1, %2 : bool[3]",
            "scan C1 | f32[2], f32[4,2] | scan %0, %1 {carried=1,scanned=1,steps=4} (%0: f32[2]) { return %0 } : f32[2]",
            "scan C1 | f32[2] | scan %0 {carried=1,scanned=1,steps=4} (%0: f32[2]) { return %0 } : f32[2]",
            "scan C2 | f32[3,2] | scan %0 {carried=0,scanned=1,steps=4} (%0: f32[2]) { return %0 } : f32[4,2]",
            "scan C3 | f32[2] | scan %0 {carried=1,scanned=0,steps=4} (%0: f32[2]) { return } : f32[2]",
            "if C1 | f32[] | if %0 () { return } () { return }",
            "if C2 | bool[], f32[2] | if %0, %1 () { return } (%0: f32[2]) { return }",
            "if C3 | bool[], f32[2] | if %0, %1 (%0: f32[2]) { return %0 } (%0: f32[2]) { return } : f32[2]",
            "while C1 | f32[2] | while %0 {carried=1} () { return } (%0: f32[2]) { return %0 } : f32[2]",
            "while C2 | f32[2] | while %0 {carried=1} (%0: f32[2]) { return %0 } (%0: f32[2]) { return %0 } : f32[2]",
            "while C3 | bool[] | while %0 {carried=1} (%0: bool[]) { return %0 } (%0: bool[]) { return } : bool[]",
            "composite C1 | f32[2] | composite.x %0 (%0: f32[3]) { return %0 } : f32[3]",
            "reshape C0 | f32[2], f32[2] | reshape %0, %1 : f32[2]",
            "broadcast C0 | f32[1,1,1] | broadcast %0 : f32[4000000000,4000000000,4000000000]");

    static List<String> cases() {
        return CASES;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aBrokenConstraintIsCited(String text) {
        String[] parts = text.split(" \\| |\\| ", 3);
        VerificationException e = assertThrows(VerificationException.class, () -> Verifier.verify(graph(parts)));
        ConstraintException c = (ConstraintException) e.getCause();
        assertEquals(parts[0].strip(), c.op() + " " + c.constraint(), e.getMessage());
        int number = Integer.parseInt(c.constraint().substring(1));
        if (number > 0) assertTrue(e.getMessage().contains(OpSpec.of(c.op()).constraint(number)), e.getMessage());
        assertTrue(e.getMessage().contains("node 0 (" + c.op()), e.getMessage());
    }

    private static Graph graph(String[] parts) {
        StringBuilder text = new StringBuilder("graph (");
        String[] types = parts[1].isBlank() ? new String[0] : parts[1].strip().split(", ");
        for (int i = 0; i < types.length; i++)
            text.append(i == 0 ? "%" : ", %").append(i).append(": ").append(types[i]);
        text.append(") { ");
        int results = parts[2].endsWith("}")
                ? 0
                : parts[2].substring(parts[2].lastIndexOf(" : ")).split(", ").length;
        for (int i = 0; i < results; i++) text.append(i == 0 ? "%" : ", %").append(90 + i);
        if (results > 0) text.append(" = ");
        return GraphText.parse(text.append(parts[2]).append(" return }").toString());
    }

    @Test
    void everyConstraintHasACase() {
        Set<String> tested = new HashSet<>();
        for (String c : CASES) tested.add(c.substring(0, c.indexOf(" |")));
        for (OpSpec s : OpSpec.ALL) {
            for (int i = 1; i <= s.constraints().size(); i++)
                assertTrue(tested.contains(s.mnemonic() + " C" + i), "no case breaks " + s.mnemonic() + " C" + i);
        }
    }
}
