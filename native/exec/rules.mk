# vitrine-oci, and the op sources that libvitrine.so compiles too.
OP_SOURCES := $(addprefix exec/,reader.c decode.c report.c path.c procfs.c run.c op-file.c op-tree.c \
	op-mount.c op-mask.c op-process.c op-console.c op-attribute.c op-device-filter.c op-exec.c seal.c)

TARGETS += $(BUILD)/vitrine-oci
$(BUILD)/vitrine-oci: $(OP_SOURCES) exec/main.c $(wildcard exec/*.h include/*.h) $(STATIC_STAMP)
	$(STATIC_CC) $(CPPFLAGS) $(CFLAGS) $(STATIC_CFLAGS) -o $@ $(OP_SOURCES) exec/main.c $(STATIC_LDFLAGS)
	strip $@
