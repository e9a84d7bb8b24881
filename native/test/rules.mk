# The probe that tests run inside containers; unit tests and the fuzzer of the decoder.
TARGETS += $(BUILD)/vitrine-probe
$(BUILD)/vitrine-probe: test/probe.c $(STATIC_STAMP)
	$(STATIC_CC) $(CPPFLAGS) $(CFLAGS) $(STATIC_CFLAGS) -o $@ $< $(STATIC_LDFLAGS)
	strip $@

DECODER := exec/reader.c exec/decode.c
TEST_FLAGS := -std=gnu11 -O1 -g $(WARNINGS) $(SANITIZERS)

$(BUILD)/decode-test: $(DECODER) test/decode-test.c exec/plan-op.h exec/reader.h include/plan.h | $(BUILD)
	$(CC) $(CPPFLAGS) $(TEST_FLAGS) -o $@ $(DECODER) test/decode-test.c

# With clang the fuzzer is libFuzzer; gcc has none, so a mutation loop of our own drives the same function.
FUZZ_SECONDS ?= 10
ifneq ($(shell command -v clang 2>/dev/null),)
$(BUILD)/decode-fuzz: $(DECODER) test/decode-fuzz.c | $(BUILD)
	clang $(CPPFLAGS) -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -o $@ $(DECODER) test/decode-fuzz.c
FUZZ_RUN = mkdir -p $(BUILD)/corpus && cp test/every-op.plan $(BUILD)/corpus/ && \
	$(BUILD)/decode-fuzz $(BUILD)/corpus -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -print_final_stats=1
else
$(BUILD)/decode-fuzz: $(DECODER) test/decode-fuzz.c test/mutate.c | $(BUILD)
	$(CC) $(CPPFLAGS) $(TEST_FLAGS) -o $@ $(DECODER) test/decode-fuzz.c test/mutate.c
FUZZ_RUN = $(BUILD)/decode-fuzz $(FUZZ_SECONDS) test/every-op.plan
endif

NATIVE_TESTS += $(BUILD)/decode-test
