# chatrelay_embed(<target> <header> <namespace> <type> <function> FILES ...)
# Puts text files into the binary: generates a .cpp that defines `std::span<const type> function()` as declared in the
# header; each entry is {file name without extension, content}. The files stay the only source of what they say.
if(CMAKE_SCRIPT_MODE_FILE)
  set(entries "")
  set(count 0)
  foreach(file IN LISTS FILES)
    file(READ "${file}" text)
    get_filename_component(name "${file}" NAME_WE)
    string(APPEND entries "    {\"${name}\", R\"~embed~(${text})~embed~\"},\n")
    math(EXPR count "${count} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\nstd::span<const ${TYPE}> ${FUNCTION}() {\n"
                         "  static const ${TYPE} entries[] = {\n${entries}  };\n  return entries;\n}\n\n}  // namespace ${NAMESPACE}\n")
  return()
endif()

set(CHATRELAY_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(chatrelay_embed target header namespace type function)
  cmake_parse_arguments(EMBED "" "" "FILES" ${ARGN})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${function}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${EMBED_FILES}" -DHEADER=${header} -DNAMESPACE=${namespace} -DTYPE=${type}
            -DFUNCTION=${function} -DOUTPUT=${output} -P ${CHATRELAY_EMBED_SCRIPT}
    DEPENDS ${EMBED_FILES} ${CHATRELAY_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
