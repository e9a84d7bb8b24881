# vitrine-shim, and the tests of its pure parts.
SHIM_OBJECTS := $(patsubst shim/%.c,$(BUILD)/shim/%.o,$(wildcard shim/*.c))
SHIM_CFLAGS := -Ishim -fno-asynchronous-unwind-tables

TARGETS += $(BUILD)/vitrine-shim

$(BUILD)/shim/%.o: shim/%.c $(wildcard shim/*.h include/*.h) shim/rules.mk $(STATIC_STAMP)
	@mkdir -p $(@D)
	$(STATIC_CC) $(CPPFLAGS) $(SHIM_CFLAGS) $(CFLAGS) $(STATIC_CFLAGS) -c $< -o $@

$(BUILD)/vitrine-shim: $(SHIM_OBJECTS)
	$(STATIC_CC) $(CFLAGS) $(STATIC_LDFLAGS) $^ -o $@
	strip $@

SHIM_PURE := $(addprefix shim/,wire.c request.c records.c log.c loop.c die.c)
SHIM_TEST_FLAGS := -std=gnu11 -O1 -g $(WARNINGS) $(SANITIZERS) -Ishim

$(BUILD)/shim-test: $(SHIM_PURE) shim/test/shim-test.c $(wildcard shim/*.h include/*.h) | $(BUILD)
	$(CC) $(CPPFLAGS) $(SHIM_TEST_FLAGS) -o $@ $(SHIM_PURE) shim/test/shim-test.c

$(BUILD)/shim-fuzz: $(SHIM_PURE) shim/test/shim-fuzz.c $(wildcard shim/*.h include/*.h) | $(BUILD)
	$(CC) $(CPPFLAGS) $(SHIM_TEST_FLAGS) -o $@ $(SHIM_PURE) shim/test/shim-fuzz.c

NATIVE_TESTS += $(BUILD)/shim-test

.PHONY: shim-fuzz
shim-fuzz: $(BUILD)/shim-fuzz
	$< 10
fuzz: shim-fuzz
