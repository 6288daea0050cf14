# The units name /usr/bin and /etc/chatrelay, so that is where things go unless CMAKE_INSTALL_PREFIX says otherwise.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
  set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "" FORCE)
endif()
include(GNUInstallDirs)
install(TARGETS chatrelay RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY systemd/ DESTINATION lib/systemd/system FILES_MATCHING PATTERN "*.service" PATTERN "*.socket")
install(FILES systemd/chatrelay.sysusers DESTINATION lib/sysusers.d RENAME chatrelay.conf)
install(FILES systemd/chatrelay.tmpfiles DESTINATION lib/tmpfiles.d RENAME chatrelay.conf)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Without what an example that was tried here has written beside itself.
install(DIRECTORY config/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS
        PATTERN "*.db*" EXCLUDE PATTERN "archive.jsonl" EXCLUDE PATTERN "mail" EXCLUDE)
# An upgrade never writes over what an operator may have changed. FULL: /etc, where the prefix is /usr.
install(CODE "
  set(source \"${PROJECT_SOURCE_DIR}\")
  set(target \"\$ENV{DESTDIR}${CMAKE_INSTALL_FULL_SYSCONFDIR}/chatrelay\")
  file(GLOB rules RELATIVE \"\${source}\" \"\${source}/rules/*.yaml\")
  foreach(file config/chatrelay.yaml \${rules})
    string(REGEX REPLACE \"^config/\" \"\" name \"\${file}\")
    if(EXISTS \"\${target}/\${name}\")
      message(STATUS \"Kept as it is: \${target}/\${name}\")
    else()
      message(STATUS \"Installing: \${target}/\${name}\")
      configure_file(\"\${source}/\${file}\" \"\${target}/\${name}\" COPYONLY)
    endif()
  endforeach()
")
