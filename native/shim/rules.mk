# vitrine-shim, and its unit and fuzz tests.
SHIM_OBJECTS := $(patsubst shim/%.c,$(BUILD)/shim/%.o,$(wildcard shim/*.c))
SHIM_CFLAGS := -Ishim -fno-asynchronous-unwind-tables

TARGETS += $(BUILD)/vitrine-shim

$(BUILD)/shim/%.o: shim/%.c $(wildcard shim/*.h include/*.h) shim/rules.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(SHIM_CFLAGS) $(CFLAGS) $(STATIC_CFLAGS) -c $< -o $@

$(BUILD)/vitrine-shim: $(SHIM_OBJECTS)
	$(CC) $(CFLAGS) $(STATIC_LDFLAGS) $^ -o $@
