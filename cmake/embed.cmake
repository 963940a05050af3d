# cmake -DOUT=FILE.c -DFILES="A;B" -DNAMES="a;b" -P embed.cmake: FILE.c defines, for each file, `const char *const NAME[]`,
# its lines, NULL behind the last.
set(text "/* Made from ${FILES}. */\n#include \"report/html.h\"\n")
foreach(file name IN ZIP_LISTS FILES NAMES)
  file(READ ${file} content)
  string(REPLACE "\\" "\\\\" content "${content}")
  string(REPLACE "\"" "\\\"" content "${content}")
  string(REGEX REPLACE "\n$" "" content "${content}")
  string(REPLACE "\n" "\",\n    \"" content "${content}")
  string(APPEND text "const char *const ${name}[] = {\n    \"${content}\",\n    NULL};\n")
endforeach()
file(WRITE ${OUT} "${text}")
